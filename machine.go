package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// memoryGiB returns the machine's memory; a lot when it cannot be known.
func memoryGiB() int {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 1 << 20
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kb, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(rest, "kB")))
			if err == nil {
				return kb >> 20
			}
		}
	}
	return 1 << 20
}

// spoolBound returns how many bytes the spool in dir may take: maxGB, but never
// more than a quarter of what would be free without it. So a start with a spool
// that is half full does not find it full.
func spoolBound(dir string, maxGB int) int64 {
	bound := int64(maxGB) * 1e9
	var st syscall.Statfs_t
	if syscall.Statfs(filepath.Dir(dir), &st) == nil {
		bound = min(bound, (int64(st.Bavail)*st.Bsize+bytesIn(dir))/4)
	}
	return max(bound, 64<<20)
}

// bytesIn returns what the files of a folder take; 0 for none.
func bytesIn(dir string) (n int64) {
	files, _ := os.ReadDir(dir) // what cannot be read does not count
	for _, f := range files {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
	}
	return n
}
