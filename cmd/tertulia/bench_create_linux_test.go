package main

import (
	"os"
	"syscall"
)

// syncData syncs what is in a file, as the database does.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
