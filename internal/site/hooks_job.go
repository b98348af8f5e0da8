package site

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// hookWaits are how long a delivery waits after each attempt that came to nothing; there is one
// attempt more than waits (READ-API 6).
var hookWaits = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 12 * time.Hour}

const (
	hookTime    = 20 * time.Second
	hookGivenUp = 7 * 24 * time.Hour // of nothing but failures, after which the job is parked
	skipAtOnce  = 500                // notices that are none of a hook's
)

func hookJob(id string) store.Job {
	j := newJob(jobHook, id, id)
	j.Lane = "hook " + id // what is slow there holds up no one else
	return j
}

// wakeHook promises that a hook is told what there is for it. One that was given up stays so until
// somebody sends it something.
func wakeHook(tx *store.Tx, h store.Hook) error {
	if h.Down {
		return nil
	}
	return tx.Enqueue(hookJob(h.ID))
}

// errHookDown parks the job of a hook.
var errHookDown = errors.New("a web hook has failed for a week: send it a test on the page of notices, and it goes on")

// hook tells a hook the next thing that there is for it. One thing goes after another, in the
// order in which they were noticed, each at least once: who is told keeps a mention by its wm-id.
func (j *Jobs) hook(ctx context.Context, job store.Job) (queue.Commit, error) {
	var id string
	s, err := j.begin(job, &id)
	if err != nil {
		return nil, err
	}
	var t hookTurn
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		t, err = s.nextTurn(tx, id)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // the hook was taken away
	case err != nil:
		return nil, err
	case t.nothing && t.upTo == t.hook.UpTo:
		return nil, nil // it knows everything
	case t.nothing || t.body == nil:
		return t.passed, nil
	case t.wait > 0:
		return nil, queue.After(t.wait, errors.New(whyWaits(t.delivery)))
	}
	status, err := j.callHook(ctx, t.hook, t.delivery, t.body)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	t.answered(status, err)
	if t.rests {
		return t.commit, queue.Permanent(errHookDown)
	}
	return t.commit, nil
}

// hookTurn is the next thing that a hook is told.
type hookTurn struct {
	hook     store.Hook
	delivery store.Delivery
	body     []byte // nil: it does not hold any more
	upTo     uint64
	nothing  bool          // there is none, as far as was looked
	wait     time.Duration // it is not its time yet
	now      time.Time
	rests    bool // it is let alone from now on
}

// nextTurn finds it: what somebody asks for by hand, then what was begun, then the next notice.
func (s *Site) nextTurn(tx *store.Tx, id string) (t hookTurn, err error) {
	t.now = tx.Now
	if t.hook, err = tx.Hook(id); err != nil {
		return t, err
	}
	t.upTo = t.hook.UpTo
	waiting := slices.DeleteFunc(tx.Deliveries(id), func(d store.Delivery) bool { return d.State != store.DeliveryWaiting })
	slices.Reverse(waiting)
	if i := slices.IndexFunc(waiting, func(d store.Delivery) bool { return !d.Asked.IsZero() }); i >= 0 {
		waiting = waiting[i:]
	}
	if len(waiting) > 0 {
		t.delivery = waiting[0]
		if t.delivery.Asked.IsZero() {
			t.wait = t.delivery.Due.Sub(tx.Now)
		}
	} else {
		some := tx.Notices(t.upTo, skipAtOnce, nil)
		i := slices.IndexFunc(some, func(n store.Notice) bool { return told(t.hook, n.Kind) })
		if i < 0 {
			t.nothing = true
			if len(some) > 0 {
				t.upTo = some[len(some)-1].Number
			}
			return t, nil
		}
		n := some[i]
		t.upTo = n.Number
		t.delivery = store.Delivery{ID: store.NewID(tx.Now), Hook: id, Kind: n.Kind, Ref: n.Ref, WMID: n.WMID, At: n.At, State: store.DeliveryWaiting}
	}
	t.body, err = s.hookBody(tx, t.hook, t.delivery)
	return t, err
}

// passed goes on after what is none of the hook's, or does not hold any more.
func (t hookTurn) passed(tx *store.Tx) error {
	h, err := tx.Hook(t.hook.ID)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	h.UpTo = t.upTo
	if _, err := tx.Delivery(h.ID, t.delivery.ID); err == nil {
		t.delivery.State, t.delivery.Tried, t.delivery.Asked, t.delivery.Status, t.delivery.Error = store.DeliveryFailed, tx.Now, time.Time{}, 0, errMoot.Error()
		if err := tx.PutDelivery(t.delivery); err != nil {
			return err
		}
	}
	if err := tx.PutHook(h); err != nil {
		return err
	}
	return tx.Enqueue(hookJob(h.ID))
}

// errMoot is why a delivery that was begun is not sent.
var errMoot = errors.New("what it was about is not so any more")

// answered says what becomes of a delivery by the answer. No answer, a 5xx, 408 and 429 are tried
// again; another status that is no success is final (READ-API 6). What somebody asked for by hand is
// tried once.
func (t *hookTurn) answered(status int, err error) {
	d := &t.delivery
	byHand := !d.Asked.IsZero()
	d.Tried, d.Status, d.Error, d.Asked = t.now, status, "", time.Time{}
	if err != nil {
		d.Error = err.Error()
	}
	again := status == 0 || status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
	switch {
	case status >= 200 && status <= 299:
		d.State, t.hook.Failing, t.hook.Down = store.DeliverySent, time.Time{}, false
		return
	case again && !byHand && d.Tries < len(hookWaits):
		d.Due = t.now.Add(hookWaits[d.Tries])
		d.Tries++
	default:
		d.State = store.DeliveryFailed
	}
	if t.hook.Failing.IsZero() {
		t.hook.Failing = t.now
	}
	usedUp := again && !byHand && d.State == store.DeliveryFailed
	t.hook.Down = t.hook.Down || usedUp && t.now.Sub(t.hook.Failing) >= hookGivenUp
	t.rests = t.hook.Down && d.State == store.DeliveryFailed
}

// commit writes down what has become of a delivery, and goes on with the next.
func (t hookTurn) commit(tx *store.Tx) error {
	h, err := tx.Hook(t.hook.ID)
	if err != nil {
		return ignore(err, fs.ErrNotExist) // taken away meanwhile
	}
	h.UpTo, h.Failing, h.Down = max(h.UpTo, t.upTo), t.hook.Failing, t.hook.Down
	if err := tx.PutDelivery(t.delivery); err != nil {
		return err
	}
	if err := tx.PutHook(h); err != nil || t.rests {
		return err
	}
	return tx.Enqueue(hookJob(h.ID))
}

// callHook makes one attempt. What is signed goes to the address that the owner chose and to no
// other: redirects are not followed.
func (j *Jobs) callHook(ctx context.Context, h store.Hook, d store.Delivery, body []byte) (status int, err error) {
	u, err := url.Parse(h.Address)
	if err != nil {
		return 0, err
	}
	client := *j.Strangers
	if j.Settled != nil && j.Settled(u) {
		client = *j.Own
	}
	client.Timeout = hookTime
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Address, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Tertulia (Webmention)")
	req.Header.Set("X-Webmention-Signature", signature(h.Secret, body))
	req.Header.Set("X-Tertulia-Delivery", d.ID)
	resp, err := client.Do(req)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // the address stands beside it
		}
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // it says nothing that we need
	return resp.StatusCode, resp.Body.Close()
}

// signature is what the header X-Webmention-Signature holds for a body.
func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// whyWaits says why a delivery waits.
func whyWaits(d store.Delivery) string {
	if d.Status == 0 {
		return d.Error
	}
	return fmt.Sprintf("the hook answered %d", d.Status)
}
