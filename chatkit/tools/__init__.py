"""The programs around the chat: the command line, the doctor, the bench, and what authors of lessons use."""

__all__: list[str] = []  # run as `chatkit …` and `python -m chatkit.tools.lessons`; nothing is imported from here
