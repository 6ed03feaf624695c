"""Programs that pages of the documentation print, run as the modules that they would be."""

from importlib.util import module_from_spec, spec_from_file_location


def imported(folder, text):
    """Return a block of a page as the module that it would be."""
    (folder / "example.py").write_text(text)
    spec = spec_from_file_location("example", folder / "example.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
