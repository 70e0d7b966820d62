"""How ./run starts a service: config/supervisor.py is its main program.

    words     the command line                        programs  effective settings, read from the programs
    folder    the data folder: modes, room, lock      child     one process
    probe     whether Redis and this api answer       service   all of them: order at start, watch, stop
    output    one line each, to whoever still reads
"""
