package store

import (
	"slices"
	"time"
)

// Hook is an address that is told of what happens on a site.
type Hook struct {
	ID      string    `json:"id"`
	Address string    `json:"address"`
	Secret  string    `json:"secret"` // what is told is signed with it, so it is kept as it is
	Kinds   []string  `json:"kinds"`  // what it is told: public, waiting, trouble, access
	Made    time.Time `json:"made"`
	By      string    `json:"by,omitempty"` // who has made it

	UpTo    uint64    `json:"up_to"`            // every notice up to this one has its delivery, or is none of its
	Failing time.Time `json:"failing,omitzero"` // the first failure since the last success; zero: it works
	Down    bool      `json:"down,omitempty"`   // it was given up, until something arrives that was sent by hand
}

// Delivery is one thing that a hook is told.
//
//	waiting ──answered 2xx──▶ sent          waiting ──another 4xx, or all attempts used up──▶ failed
//	sent, failed ──asked for again──▶ waiting
type Delivery struct {
	ID    string    `json:"id"`
	Hook  string    `json:"hook"`
	Kind  string    `json:"kind"` // of a notice, or test
	Ref   string    `json:"ref,omitempty"`
	WMID  uint64    `json:"wm_id,omitempty"`
	At    time.Time `json:"at"`             // of the notice
	Asked time.Time `json:"asked,omitzero"` // somebody wants it sent now: it is tried once

	State  DeliveryState `json:"state"`
	Due    time.Time     `json:"due,omitzero"`    // of the next attempt
	Tries  int           `json:"tries,omitempty"` // attempts that counted
	Tried  time.Time     `json:"tried,omitzero"`  // the last attempt
	Status int           `json:"status,omitempty"`
	Error  string        `json:"error,omitempty"` // why there was no status
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliverySent    DeliveryState = "sent"
	DeliveryFailed  DeliveryState = "failed"
)

var (
	hooks = table[Hook]{
		name: "hooks", kind: "hook", version: 1,
		key: func(h *Hook) string { return h.ID },
	}
	deliveries = table[Delivery]{
		name: "deliveries", kind: "delivery", version: 1,
		key: func(d *Delivery) string { return join(d.Hook, d.ID) },
	}
)

// Hook reads a hook.
func (tx *Tx) Hook(id string) (Hook, error) { return hooks.get(tx, id) }

// Hooks lists the site's hooks, in the order they were made.
func (tx *Tx) Hooks() ([]Hook, error) { return hooks.all(tx, nil) }

// PutHook writes a hook.
func (tx *Tx) PutHook(h Hook) error { return hooks.put(tx, h) }

// DropHook removes a hook with its deliveries; one that is not there is fine.
func (tx *Tx) DropHook(id string) error {
	for _, d := range tx.Deliveries(id) {
		if err := deliveries.delete(tx, join(id, d.ID)); err != nil {
			return err
		}
	}
	return dropIfThere(tx, &hooks, id)
}

// maxDeliveries is how many deliveries of a hook are kept and listed (READ-API 6).
const maxDeliveries = 50

// PutDelivery writes a delivery, and forgets the oldest of its hook that are done with.
func (tx *Tx) PutDelivery(d Delivery) error {
	if err := deliveries.put(tx, d); err != nil {
		return err
	}
	all := tx.Deliveries(d.Hook)
	for _, old := range all[min(maxDeliveries, len(all)):] {
		if old.State == DeliveryWaiting {
			continue
		}
		if err := deliveries.delete(tx, join(old.Hook, old.ID)); err != nil {
			return err
		}
	}
	return nil
}

// Delivery reads a delivery of a hook.
func (tx *Tx) Delivery(hook, id string) (Delivery, error) { return deliveries.get(tx, join(hook, id)) }

// Deliveries lists the deliveries of a hook, the newest first.
func (tx *Tx) Deliveries(hook string) []Delivery {
	var found []Delivery
	pre := prefix(tx.Site, deliveries.name, hook)
	table := prefix(tx.Site, deliveries.name)
	for k, v := range tx.r.scan(pre, nil, false) {
		d, err := deliveries.decode(k, string(k[len(table):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *d)
	}
	slices.Reverse(found)
	return found
}
