"""What a start says: one line each on stdout and in <data>/log/supervisor.log.

Whoever reads stdout may leave (`| head -1`, a closed terminal) or stop reading; neither holds or ends the service.
"""
import os
import select
import sys
import time


class Refused(Exception):
    """Why the service does not start, and what to do, in one line. Ends with exit code 2."""

    def __init__(self, text):
        super().__init__(one_line(text))


def one_line(text):
    """The text without newlines and other control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


class Output:
    def __init__(self):
        self.log = None     # path of a file, once there is a folder for it
        self.stdout_open = True  # whether stdout is still open

    def say(self, text):
        line = f"{text}\n"
        if self.log:
            try:
                with open(self.log, "a", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()) + line)
            except OSError:
                pass  # a full disk: the reader of stdout still gets the line
        if self.stdout_open:
            self.write(1, line)

    def refuse(self, text):
        """The one line about a refused start, on stderr."""
        self.say_to_log(text)
        self.write(2, f"vultus: {text}\n")

    def say_to_log(self, text):
        was_open, self.stdout_open = self.stdout_open, False
        self.say(text)
        self.stdout_open = was_open

    def write(self, number, line):
        """A line is shorter than PIPE_BUF, so a write to a ready descriptor does not block."""
        try:
            poll = select.poll()
            poll.register(number, select.POLLOUT)
            for _, what in poll.poll(0):
                if what & select.POLLOUT:
                    os.write(number, line.encode(errors="surrogateescape")[:select.PIPE_BUF])
                else:
                    raise BrokenPipeError
        except OSError:
            self.stdout_open = self.stdout_open and number != 1
            silence(number)


def silence(number):
    """Redirects the descriptor to /dev/null, also for what Python itself writes at exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    except OSError:
        pass


def open_standard_descriptors():
    """If one of them was closed (`>&-`), the next opened file must not take its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def flush_quietly():
    """Before exit: output that nobody reads any more is not a failure."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            silence(number)


OUT = Output()
