package syndicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// BlueskyDirectory finds where an account lives. A handle is a name that anybody may have, so
// Client is one that goes where strangers point.
type BlueskyDirectory struct {
	Client   *http.Client
	Resolver string // an AppView's origin; empty: https://public.api.bsky.app
	PLC      string // the directory of accounts; empty: https://plc.directory
}

// BlueskyHome is where an account lives.
type BlueskyHome struct {
	DID, Handle string
	Server      string // origin; see Bluesky.Server
}

// Find returns where the account with a handle ("ana.example.com") or a DID lives. fs.ErrNotExist
// says that nobody has the handle, that the account has gone, or that its owner does not confirm
// the handle.
func (d BlueskyDirectory) Find(ctx context.Context, account string) (home BlueskyHome, err error) {
	account = strings.TrimPrefix(strings.TrimSpace(account), "@")
	did := account
	if !isDID(did) {
		if account = strings.ToLower(account); !isHandle(account) {
			return home, fmt.Errorf("%q is no handle: %w", account, fs.ErrNotExist)
		}
		if did, err = d.resolve(ctx, account); err != nil {
			return home, fmt.Errorf("find %s: %w", account, err)
		}
	}
	home, err = d.document(ctx, did)
	if err != nil {
		return BlueskyHome{}, fmt.Errorf("find %s: %w", did, err)
	}
	if !isDID(account) && home.Handle != account {
		return BlueskyHome{}, fmt.Errorf("%s says that its handle is %q and not %q: %w", did, home.Handle, account, fs.ErrNotExist)
	}
	return home, nil
}

// resolve asks the resolver whose handle that is, which looks into the name system too, and the
// handle's own host.
func (d BlueskyDirectory) resolve(ctx context.Context, handle string) (did string, err error) {
	asked, err := d.get(ctx, or(d.Resolver, "https://public.api.bsky.app")+"/xrpc/com.atproto.identity.resolveHandle?handle="+url.QueryEscape(handle))
	var found struct{ DID string }
	if err == nil && json.Unmarshal(asked, &found) == nil && isDID(found.DID) {
		return found.DID, nil
	}
	own, ownErr := d.get(ctx, "https://"+handle+"/.well-known/atproto-did")
	if did = strings.TrimSpace(string(own)); ownErr == nil && isDID(did) {
		return did, nil
	}
	if err == nil || isNobody(err) {
		return "", fs.ErrNotExist
	}
	return "", err
}

// isNobody reports whether somebody who was asked says that there is no such thing.
func isNobody(err error) bool {
	var said *refusal
	return errors.As(err, &said) && (said.Status == 400 || said.Status == 404 || said.Status == 410)
}

// document reads what an account says of itself in its DID document.
func (d BlueskyDirectory) document(ctx context.Context, did string) (home BlueskyHome, err error) {
	at := or(d.PLC, "https://plc.directory") + "/" + did
	if host, ok := strings.CutPrefix(did, "did:web:"); ok {
		if !isHandle(host) {
			return home, fs.ErrNotExist
		}
		at = "https://" + host + "/.well-known/did.json"
	} else if !strings.HasPrefix(did, "did:plc:") {
		return home, fs.ErrNotExist
	}
	raw, err := d.get(ctx, at)
	if isNobody(err) {
		return home, errors.Join(fs.ErrNotExist, err)
	}
	if err != nil {
		return home, err
	}
	var doc struct {
		ID          string
		AlsoKnownAs []string
		Service     []struct{ ID, Type, ServiceEndpoint string }
	}
	if err := lenient(raw, &doc); err != nil || doc.ID != did {
		return home, errors.Join(errors.New("the directory does not know what it says"), err)
	}
	home.DID = did
	for _, name := range doc.AlsoKnownAs {
		if handle, ok := strings.CutPrefix(name, "at://"); ok && isHandle(handle) && home.Handle == "" {
			home.Handle = strings.ToLower(handle)
		}
	}
	for _, s := range doc.Service {
		if slices.Contains([]string{"#atproto_pds", did + "#atproto_pds"}, s.ID) && isWeb(s.ServiceEndpoint) {
			home.Server = strings.TrimSuffix(s.ServiceEndpoint, "/")
			return home, nil
		}
	}
	return home, fmt.Errorf("it lives nowhere: %w", fs.ErrNotExist)
}

func (d BlueskyDirectory) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := d.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if response.StatusCode != http.StatusOK {
		return nil, &refusal{Status: response.StatusCode, Message: plainWords(string(raw), 200)}
	}
	return raw, err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return strings.TrimSuffix(s, "/")
}
