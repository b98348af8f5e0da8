package store

import "time"

// Client is what the owner has decided about an application, for all its tokens, those
// of today and those to come.
type Client struct {
	ID      string    `json:"id"`                // client_id
	Lenient bool      `json:"lenient,omitempty"` // it may send its token twice in one request
	Decided time.Time `json:"decided"`
}

var clients = table[Client]{
	name: "clients", kind: "client", version: 1,
	key: func(c *Client) string { return c.ID },
}

// Client reads what was decided about an application.
func (tx *Tx) Client(id string) (Client, error) { return clients.get(tx, id) }

// PutClient writes what was decided about an application.
func (tx *Tx) PutClient(c Client) error { return clients.put(tx, c) }
