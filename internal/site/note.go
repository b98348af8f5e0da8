package site

import (
	"cmp"
	"net/url"
	"time"

	"tertulia/internal/lang"
)

// NoteSection is a part of the privacy note, in plain text.
type NoteSection struct {
	Title string
	Lines []string // each a paragraph
}

// Backups is how many daily backups are kept: for as many days what was taken back is still in one.
const Backups = 10

// PrivacyNote says what the service keeps of others for this site, why, for how long, and
// whom to ask, as its settings have it now. It informs; it is no legal advice.
func (s *Site) PrivacyNote(l lang.Lang) []NoteSection {
	owner := cmp.Or(s.Author.Get("name"), s.Name)
	ask := cmp.Or(s.Contact, s.Me())
	at := s.Base
	if u, err := url.Parse(s.Base); err == nil {
		at = u.Host
	}
	kept := []string{l.T("privacy.kept.mention"), l.T("privacy.kept.why")}
	if s.Uploads != "" {
		kept = append(kept, l.T("privacy.kept.picture"))
	}
	if s.TakesComments {
		kept = append(kept, l.T("privacy.kept.comment"))
	}
	if s.Data != "" {
		kept = append(kept, l.T("privacy.kept.data"))
	}
	kept = append(kept, l.T(approvalNotes[cmp.Or(s.Approve, ApprovePeople)]), l.T("privacy.kept.sender"))
	return []NoteSection{
		{l.T("privacy.about.title"), []string{l.T("privacy.about.what", s.Name, at), l.T("privacy.about.who", owner, ask)}},
		{l.T("privacy.kept.title"), kept},
		{l.T("privacy.bridged.title"), []string{l.T("privacy.bridged.what"), l.T(bridgedNotes[cmp.Or(s.Bridged, BridgedFirstName)])}},
		{l.T("privacy.time.title"), []string{l.T("privacy.time.shown"), l.N("privacy.time.gone", int(tombstone/(24*time.Hour))), l.N("privacy.time.backup", Backups), l.T("privacy.time.erased")}},
		{l.T("privacy.readers.title"), []string{l.T("privacy.readers.none"), l.T("privacy.readers.cookies"), l.T("privacy.readers.others")}},
		{l.T("privacy.rights.title"), []string{l.T("privacy.rights.what"), l.T("privacy.rights.how", ask), l.T("privacy.rights.self"), l.T("privacy.rights.laws")}},
	}
}

var approvalNotes = map[Approval]string{
	ApprovePeople: "privacy.shown.people", ApproveAll: "privacy.shown.all", ApproveNone: "privacy.shown.none",
}

var bridgedNotes = map[Bridged]string{
	BridgedFull: "privacy.bridged.full", BridgedFirstName: "privacy.bridged.first-name", BridgedAnonymous: "privacy.bridged.anonymous",
}
