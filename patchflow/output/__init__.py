"""What a match leaves behind: preset files, audio, a picture and numbers; and what the command line prints."""

__all__: list[str] = []
