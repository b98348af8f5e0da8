//go:build !linux

package main

import "os"

// syncData syncs what is in a file.
func syncData(f *os.File) error { return f.Sync() }
