"""What late or wrong usage changes in settled months, posted in the open one."""
