//go:build !failpoint

package failpoint

// Hit is a place where the process may end or stand still.
func Hit(string) {}

// Err is a place where there may be an error besides.
func Err(string) error { return nil }

// On tells whether a switch is on.
func On(string) bool { return false }
