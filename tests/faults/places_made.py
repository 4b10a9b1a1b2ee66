"""File systems of their own: a tmpfs that fills, and an ext4 that loses what was not synced."""
import contextlib
import fcntl
import gc
import os
import struct
import subprocess
import time

EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_LOG = 2  # As power that goes: what only the journal's memory held is gone.


class NotHere(Exception):
    """This machine, or this user, cannot mount."""


def mount(*words):
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHere("mount: " + done.stderr.strip())


@contextlib.contextmanager
def tmpfs(folder, size):
    if os.getuid() != 0:
        raise NotHere("mounting needs root")
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=%s,mode=755" % size, "none", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


class Disk:
    """An ext4 in a file; off() is a power cut, on() the next boot."""

    def __init__(self, work, megabytes=96):
        if os.getuid() != 0:
            raise NotHere("a file system of its own needs root")
        self.image, self.folder = work / "disk.img", work / "disk"
        self.folder.mkdir()
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise NotHere("mkfs.ext4: " + made.stderr.strip())
        self.on()

    def on(self):
        mount("-o", "loop", str(self.image), str(self.folder))

    def off(self):
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_LOG))
        except OSError as error:
            raise NotHere("the kernel does not shut an ext4 down: %s" % error) from error
        finally:
            os.close(handle)

    def unmount(self):
        gc.collect()  # Connections of the looks before keep their files open until then.
        # What the killed process had open is let go a moment later.
        for _ in range(50):
            done = subprocess.run(["umount", str(self.folder)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(done.stderr)

    def close(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
