package faketest

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// Telegram is a Bot API server with one bot and one channel.
type Telegram struct {
	Token   string
	Channel string // @name
	Title   string
	Private bool // the channel has no name that everybody can look up

	mu       sync.Mutex
	last     int64
	messages []*TelegramMessage
}

// TelegramMessage is a message of the channel.
type TelegramMessage struct {
	ID    int64
	HTML  string // text or caption
	Photo bool
}

// Messages are those of the channel, the newest last.
func (t *Telegram) Messages() []TelegramMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []TelegramMessage
	for _, m := range t.messages {
		all = append(all, *m)
	}
	return all
}

// Clear deletes all messages.
func (t *Telegram) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages = nil
}

type telegramCall struct {
	Chat    string `json:"chat_id"`
	Message int64  `json:"message_id"`
	Text    string `json:"text"`
	Caption string `json:"caption"`
	Mode    string `json:"parse_mode"`
	photo   bool
}

func no(w http.ResponseWriter, code int, description string) {
	answer(w, code, map[string]any{"ok": false, "error_code": code, "description": description})
}

// ServeHTTP answers as the network does.
func (t *Telegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	method, known := strings.CutPrefix(r.URL.Path, "/bot"+t.Token+"/")
	if !known {
		no(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	var call telegramCall
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		_, _, err := r.FormFile("photo")
		call = telegramCall{Chat: r.FormValue("chat_id"), Caption: r.FormValue("caption"), Mode: r.FormValue("parse_mode"), photo: err == nil}
	} else if err := json.NewDecoder(r.Body).Decode(&call); err != nil {
		no(w, http.StatusBadRequest, "Bad Request: can't parse JSON")
		return
	}
	if call.Chat != t.Channel {
		no(w, http.StatusBadRequest, "Bad Request: chat not found")
		return
	}
	switch method {
	case "getChat":
		answer(w, http.StatusOK, map[string]any{"ok": true, "result": t.chat()})
	case "sendMessage", "sendPhoto":
		t.send(w, method, call)
	case "editMessageText", "editMessageCaption":
		t.edit(w, method, call)
	case "deleteMessage":
		before := len(t.messages)
		t.messages = slices.DeleteFunc(t.messages, func(m *TelegramMessage) bool { return m.ID == call.Message })
		if len(t.messages) == before {
			no(w, http.StatusBadRequest, "Bad Request: message to delete not found")
			return
		}
		answer(w, http.StatusOK, map[string]any{"ok": true, "result": true})
	default:
		no(w, http.StatusNotFound, "Not Found: method not found")
	}
}

func (t *Telegram) chat() map[string]any {
	c := map[string]any{"id": -1001234567890, "type": "channel", "title": t.Title}
	if !t.Private {
		c["username"] = strings.TrimPrefix(t.Channel, "@")
	}
	return c
}

var markup = regexp.MustCompile(`<a href="[^"<>]*">|</a>`)

// wrong is what is wrong with a text in HTML of so many UTF-16 units at most.
func wrong(text string, most int) string {
	plain := markup.ReplaceAllString(text, "")
	switch {
	case strings.ContainsAny(plain, "<>"):
		return "Bad Request: can't parse entities: Unsupported start tag"
	case len(utf16.Encode([]rune(html.UnescapeString(plain)))) > most:
		return map[int]string{4096: "Bad Request: message is too long", 1024: "Bad Request: message caption is too long"}[most]
	case strings.TrimSpace(plain) == "":
		return "Bad Request: message text is empty"
	}
	return ""
}

func (t *Telegram) send(w http.ResponseWriter, method string, call telegramCall) {
	m := &TelegramMessage{HTML: call.Text}
	most := 4096
	if method == "sendPhoto" {
		m.HTML, m.Photo, most = call.Caption, true, 1024
	}
	if problem := wrong(m.HTML, most); problem != "" || call.Mode != "HTML" || m.Photo != call.photo {
		no(w, http.StatusBadRequest, problem)
		return
	}
	t.last++
	m.ID = t.last
	t.messages = append(t.messages, m)
	answer(w, http.StatusOK, map[string]any{"ok": true, "result": map[string]any{"message_id": m.ID, "chat": t.chat()}})
}

func (t *Telegram) edit(w http.ResponseWriter, method string, call telegramCall) {
	text, photo, most := call.Text, false, 4096
	if method == "editMessageCaption" {
		text, photo, most = call.Caption, true, 1024
	}
	at := slices.IndexFunc(t.messages, func(m *TelegramMessage) bool { return m.ID == call.Message })
	switch {
	case at < 0:
		no(w, http.StatusBadRequest, "Bad Request: message to edit not found")
	case t.messages[at].Photo != photo:
		no(w, http.StatusBadRequest, "Bad Request: there is no text in the message to edit")
	case t.messages[at].HTML == text:
		no(w, http.StatusBadRequest, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same")
	case wrong(text, most) != "":
		no(w, http.StatusBadRequest, wrong(text, most))
	default:
		t.messages[at].HTML = text
		answer(w, http.StatusOK, map[string]any{"ok": true, "result": map[string]any{"message_id": call.Message, "chat": t.chat()}})
	}
}
