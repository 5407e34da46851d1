package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// disk is the small file system under a lane's data folder.
//
// The platform leaves 3 GB of every disk untouched and gives up the oldest raw
// history below 10 GB, so it needs a disk of 16 GB to have room at all. As root it
// is ext4 in a sparse file, where ballast is allocated and never written: both
// cost next to nothing. Where loop devices cannot be had, in a user namespace for
// one, it is a tmpfs of 4 GB, whose ballast is memory.
type disk struct {
	at      string
	how     string // what was done, for people
	mounted bool
	margin  uint64 // bytes that ballast leaves free when it goes to the platform's floor
}

const (
	loopBytes  = 16 << 30
	tmpfsBytes = 4 << 30
	floorBytes = 3e9 // of free disk that the platform leaves untouched
)

func newDisk(dir, at string) *disk {
	d := &disk{at: at}
	image := filepath.Join(dir, "data.ext4")
	loop := func() error {
		f, err := os.Create(image)
		if err != nil {
			return err
		}
		err = f.Truncate(loopBytes)
		f.Close()
		if err != nil {
			return err
		}
		for _, command := range [][]string{
			{"mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", image},
			{"mount", "-o", "loop,noatime", image, at},
		} {
			if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %.200s", command[0], err, out)
			}
		}
		return nil
	}
	err := loop()
	if err == nil {
		d.mounted, d.how = true, "data on ext4 of 16 GB in a sparse file, mounted in a namespace of its own"
		return d
	}
	os.Remove(image)
	out, err2 := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", tmpfsBytes), "tmpfs", at).CombinedOutput()
	if err2 == nil {
		d.mounted, d.how = true, fmt.Sprintf("data on a tmpfs of 4 GB (no ext4: %v)", err)
		return d
	}
	d.how = fmt.Sprintf("data on the ordinary disk, no full disk is tried (no ext4: %v; no tmpfs: %v %s)", err, err2, out)
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.at, "ballast") }

// fill leaves about leave bytes free.
func (d *disk) fill(leave uint64) error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	for { // what others write meanwhile takes its part
		var st syscall.Statfs_t
		if err := syscall.Fstatfs(int(f.Fd()), &st); err != nil {
			return err
		}
		free := st.Bavail * uint64(st.Bsize)
		if free <= leave {
			return nil
		}
		step := int64(free - leave)
		for syscall.Fallocate(int(f.Fd()), 0, size, step) != nil {
			if step /= 2; step < 4096 {
				return nil
			}
		}
		size += step
	}
}

// empty gives the room back.
func (d *disk) empty() error { return os.Remove(d.ballast()) }

// release unmounts; what is mounted in a namespace of ours goes with it anyway.
func (d *disk) release() {
	if d.mounted {
		_ = exec.Command("umount", "-l", d.at).Run()
	}
}
