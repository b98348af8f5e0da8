// Command tertulia gives a site a conversation of its own: it takes posts from
// Micropub editors, sends and receives Webmentions, is its owner's IndieAuth
// identity, and shows the conversation under the owner's pages.
//
//	tertulia demo      shows it all in one go
//	tertulia serve     runs the service
//	tertulia help      lists the commands
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() { os.Exit(process(os.Stderr)) }

// process is the program in this process, with its complaints and its log going to complaints.
func process(complaints io.Writer) int {
	if os.Getenv("GOGC") == "" {
		roomy()
	}
	if n := runtime.GOMAXPROCS(0); os.Getenv("GOMAXPROCS") == "" && n <= 4 {
		// A reader's goroutine waits up to 10 ms behind those that verify; the system, which
		// has more threads to choose from then, lets who has slept longest go first.
		runtime.GOMAXPROCS(2 * n)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	return run(ctx, os.Args[1:], stdio{out: os.Stdout, err: complaints}, os.LookupEnv)
}
