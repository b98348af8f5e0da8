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
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends us at once
	os.Exit(run(ctx, os.Args[1:], stdio{os.Stdout, os.Stderr}, os.LookupEnv))
}
