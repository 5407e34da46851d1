package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limit is a bound of the kernel's that a crowd may meet.
type limit struct {
	name, what string
	has, needs uint64
	known      bool
}

// kernelLimits returns what this machine allows and what so many sockets need,
// both ends of which are here.
func kernelLimits(c *config) []limit {
	perReplica := uint64((c.viewers + c.replicas - 1) / c.replicas)
	perClient := uint64((c.viewers + c.processes() - 1) / c.processes())
	var files unix.Rlimit
	known := unix.Getrlimit(unix.RLIMIT_NOFILE, &files) == nil
	low, high := rangeOf("net/ipv4/ip_local_port_range")
	list := []limit{
		{"RLIMIT_NOFILE", "files a process", files.Max, max(perReplica, perClient) + 200, known},
		{"ip_local_port_range", "ports for one source address and one replica", high - low + 1,
			(perClient + uint64(c.replicas) - 1) / uint64(c.replicas), high > 0},
	}
	one := func(name, what string, needs uint64) {
		has, ok := sysctl(name)
		list = append(list, limit{name, what, has, needs, ok})
	}
	one("net/core/somaxconn", "connections that wait to be accepted", 128)
	one("fs/file-max", "files of the machine", 2*uint64(c.viewers)+50_000)
	one("net/netfilter/nf_conntrack_max", "connections that the firewall follows, where it does", uint64(c.viewers)+5_000)
	// 2.5 kB for each end in the kernel, idle, and what is on its way.
	one("net/ipv4/tcp_mem", "pages for buffers, first of three", uint64(c.viewers)*16/4)
	return list
}

func sysctl(name string) (uint64, bool) {
	b, err := os.ReadFile("/proc/sys/" + name)
	f := strings.Fields(string(b))
	if err != nil || len(f) == 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(f[0], 10, 64)
	return n, err == nil
}

func rangeOf(name string) (low, high uint64) {
	b, err := os.ReadFile("/proc/sys/" + name)
	if f := strings.Fields(string(b)); err == nil && len(f) == 2 {
		low, _ = strconv.ParseUint(f[0], 10, 32)
		high, _ = strconv.ParseUint(f[1], 10, 32)
	}
	return low, high
}

// tooLow names what cannot work, before anything is started.
func tooLow(list []limit) error {
	for _, l := range list {
		if l.known && l.has < l.needs && l.name != "net/ipv4/tcp_mem" {
			return fmt.Errorf("%s (%s) is %d here, and this needs %d", l.name, l.what, l.has, l.needs)
		}
	}
	return nil
}
