package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"tertulia/internal/site"
)

// maxSecret is how long a token or an app password may be, in bytes.
const maxSecret = 4 << 10

func listNetworks(ctx context.Context, c call) error {
	all, err := c.site.Networks.Accounts(ctx)
	if err != nil {
		return err
	}
	return printAll(c, all, []string{"ACCOUNT", "NAME", "STATE", "AS", "ON THEIR WAY", "FOR YOU"}, func(a site.AccountView) []string {
		state := map[string]string{site.AccountOpen: "connected", site.AccountClosed: "not connected", site.AccountRefused: "refused"}[a.Stands]
		if a.ByHand {
			state = "by hand"
		}
		return []string{a.UID, a.Name, state, a.As, strconv.Itoa(a.Waiting), strconv.Itoa(a.Attention)}
	})
}

// connectFrom reads the secret with this user's rights, so that it is in no argument of a command,
// and hands it over to where the data is.
func connectFrom(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	secret, err := f.typedSecret()
	if err != nil {
		return io.fail(err, "")
	}
	args := []string{"network", "connect"}
	if f.code != "" {
		args = append(args, "--code", f.code)
	}
	if f.site != "" {
		args = append(args, "--site", f.site)
	}
	args = append(append(args, "--"), f.words...)
	if secret != "" {
		io.in = strings.NewReader(secret)
	}
	code, ok := callService(ctx, set.Data, args, io)
	if !ok {
		code = runHere(ctx, set, args, io)
	}
	return code
}

// typedSecret is what --token-file names; "-" is the standard input.
func (g given) typedSecret() (string, error) {
	if g.tokenFile != "-" {
		return g.secret()
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxSecret))
	return strings.TrimSpace(string(text)), err
}

// connectNetwork connects an account: with a secret that is handed over, with the code that its
// network has shown, or it says where that code is to be had.
func connectNetwork(ctx context.Context, c call) error {
	uid, n := c.words[0], c.site.Networks
	if c.flags.code != "" {
		return c.connected(n.Finish(ctx, "command line", uid, site.OutOfBand, c.flags.code))
	}
	if c.io.in != nil {
		secret, err := io.ReadAll(io.LimitReader(c.io.in, maxSecret))
		if err != nil {
			return err
		}
		if typed := strings.TrimSpace(string(secret)); typed != "" { // behind the words there is the end of their line
			return c.connected(n.Connect(ctx, "command line", uid, typed))
		}
	}
	to, err := n.Begin(ctx, uid, site.OutOfBand)
	if errors.Is(err, site.ErrWay) {
		if err := n.Connect(ctx, "command line", uid, ""); err != site.ErrSecret && err != site.ErrWay {
			return c.connected(err) // with what the settings name
		}
		return fmt.Errorf("%s takes a token or an app password: --token-file FILE names it, or - for the standard input", uid)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.io.out, "Open this address, say yes, and copy the code:\n\n  %s\n\nThen:\n\n  tertulia network connect %s --code CODE\n", to, uid)
	return nil
}

func (c call) connected(err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.err, "connected; copies that waited go on")
	return nil
}

func disconnectNetwork(ctx context.Context, c call) error {
	known, err := c.site.Networks.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range known {
		if a.UID == c.words[0] {
			return c.site.Networks.Disconnect(ctx, a.UID)
		}
	}
	return fmt.Errorf("the settings name no account %q", c.words[0])
}

// listCopies lists the copies of a post, or those that wait for the owner.
func listCopies(ctx context.Context, c call) error {
	var all []site.CopyView
	var err error
	if len(c.words) == 1 {
		all, err = c.site.Networks.Of(ctx, c.words[0])
	} else {
		all, err = c.site.Networks.Attention(ctx, c.flags.limit)
	}
	if err != nil {
		return err
	}
	return printAll(c, all, []string{"POST", "ACCOUNT", "STATE", "COPY", "WHY"}, func(v site.CopyView) []string {
		return []string{v.Post, v.UID, string(v.State), cmp.Or(v.URL, v.Composer), v.Note}
	})
}

func askCopy(ctx context.Context, c call) error {
	return c.site.Networks.Ask(ctx, c.words[0], c.words[1])
}

func retryCopy(ctx context.Context, c call) error {
	return c.site.Networks.Retry(ctx, c.words[0], c.words[1])
}

func foundCopy(ctx context.Context, c call) error {
	return c.site.Networks.Found(ctx, c.words[0], c.words[1], c.words[2])
}

func leaveCopy(ctx context.Context, c call) error {
	return c.site.Networks.Leave(ctx, c.words[0], c.words[1])
}
