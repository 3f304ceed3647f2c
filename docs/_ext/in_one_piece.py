"""What the kernel of a page reads when it starts: a line that begins with an exclamation mark prints in one piece.

By itself a notebook takes what a command prints in blocks, and the documentation parts the blocks by a new line.
"""

import subprocess

from IPython import get_ipython


def system(command):
    """Run a command in a shell, and print what it says."""
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(done.stdout, end="")


get_ipython().system = system
