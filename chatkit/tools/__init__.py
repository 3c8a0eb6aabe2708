"""The programs around the chat: the command line, the doctor, the bench, and the tool for authors of lessons."""
