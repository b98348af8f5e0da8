package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/leaktest"
)

var ownersForm = regexp.MustCompile(`name="form" value="([^"]+)"`)

// newWorld starts a program with an owner who is signed in, an editor's token and posts
// that stay.
func newWorld(t testing.TB, anchors int, env []string, program ...string) *world {
	t.Helper()
	w := &world{mortal: newMortal(t, program...), strangers: newStrangers(t), mentions: map[string]*sentMention{}}
	w.env = env
	w.start()
	if err := w.signIn(); err != nil {
		t.Fatalf("%v\n%s", err, w.said())
	}
	for i := range anchors {
		p := w.newPost(fmt.Sprintf("anchor%d", i), false, false)
		if !w.create(p) {
			t.Fatalf("an anchor is not taken: %v\n%s", w.wrong, w.said())
		}
		w.anchors = append(w.anchors, p.at)
	}
	return w
}

// signIn gets the editor its token and the owner a session.
func (w *world) signIn() error {
	token, complaint, ok := w.command("token", "new", "--scope", "create update delete undelete media")
	link, more, also := w.command("link")
	if !ok || !also {
		return fmt.Errorf("sign in: %s %s", complaint, more)
	}
	w.token = strings.TrimSpace(token)
	resp, _, err := w.request("POST", strings.TrimSpace(link), "application/x-www-form-urlencoded", nil)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	session := slices.IndexFunc(resp.Cookies(), func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "tertulia-session-") })
	if session < 0 {
		return fmt.Errorf("sign in: got %s without a session", resp.Status)
	}
	w.cookie = resp.Cookies()[session]
	leaktest.Secret(w.token, path.Base(strings.TrimSpace(link)), w.cookie.Value) // the program may be another build, which nobody watches
	// A program that answers before it commits may not know the session yet.
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		_, page, err := w.request("GET", w.at("admin/"), "", nil)
		if err != nil {
			return err
		}
		if found := ownersForm.FindSubmatch(page); found != nil {
			w.form = string(found[1])
			return nil
		}
	}
	return errors.New("sign in: the owner's page has no form")
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// request asks and reads the answer. What broke off after its head is an answer too.
func (w *world) request(method, address, contentType string, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	switch {
	case strings.HasPrefix(address, w.at("micropub")), strings.HasPrefix(address, w.at("media")):
		req.Header.Set("Authorization", "Bearer "+w.token)
	case strings.HasPrefix(address, w.at("admin/")):
		req.AddCookie(w.cookie)
	case strings.HasPrefix(address, w.at("webmention/")):
		req.Header.Set("Accept", "application/json")
	}
	resp, err := noRedirects.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		answer = nil
	}
	return resp, answer, nil
}

// ask sends what is to be acknowledged and writes the answer down. ok is that it was.
func (w *world) ask(what, address, contentType string, body []byte) (location string, ok bool) {
	resp, answer, err := w.request("POST", address, contentType, body)
	if err != nil {
		return "", false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	entry := fmt.Sprintf("%s: %s %s", what, resp.Status, resp.Header.Get("Location"))
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusSeeOther {
		w.wrong = append(w.wrong, entry+" "+string(answer))
		return "", false
	}
	w.acked = append(w.acked, entry)
	return resp.Header.Get("Location"), true
}
