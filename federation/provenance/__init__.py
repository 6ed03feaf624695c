"""What was said of the provenance and authenticity of works: by whom, on what ground, withdrawn."""
