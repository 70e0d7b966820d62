"""The first process of a container: it passes signals on and reaps. Only the first process of a PID namespace inherits orphans (a
decoder whose worker was killed), and the supervisor itself waits only for its own children."""
import os
import signal

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def reap_if_first():
    """Returns in the process that does the work. As PID 1 that is a child; the first process ends with the child's exit code."""
    if os.getpid() != 1:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # none is lost before the handlers are there
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return
    for number in PASSED_ON:
        signal.signal(number, lambda got, _: os.kill(child, got))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    while True:
        ended, status = os.wait()
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
