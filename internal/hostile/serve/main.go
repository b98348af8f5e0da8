// Serve runs the hostile web server by hand:
//
//	go run ./internal/hostile/serve -listen 127.0.0.1:9090
//
// It prints the address of each behaviour, and serves until it is interrupted.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"

	"tertulia/internal/hostile"
)

func main() {
	var o hostile.Options
	listen := flag.String("listen", "127.0.0.1:9090", "`host:port` to answer on; some behaviours take other ports beside it")
	flag.DurationVar(&o.Pause, "pause", 0, "between two bytes of what is slow (default 1s)")
	flag.StringVar(&o.Forbidden, "forbidden", "", "a `URL` where visitors must not go, for the behaviours that send them there")
	flag.Parse()
	server, err := hostile.Listen(*listen, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, b := range hostile.Behaviours() {
		fmt.Fprintf(out, "%s\t%s\n", server.URL(b.Name), b.About)
	}
	fmt.Fprintln(out, "?link=URL makes a page link there.")
	_ = out.Flush() // without a terminal it serves all the same
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
	}
}
