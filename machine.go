package main

import (
	"bufio"
	"os"
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

// spoolBound returns how many bytes the spool may take: maxGB, but never more
// than a quarter of what is free now.
func spoolBound(dir string, maxGB int) int64 {
	bound := int64(maxGB) * 1e9
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) == nil {
		bound = min(bound, int64(st.Bavail)*int64(st.Bsize)/4)
	}
	return max(bound, 64<<20)
}
