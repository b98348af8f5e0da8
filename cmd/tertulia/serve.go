package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/fetch"
	"tertulia/internal/media"
	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/internal/web/theme"
	"tertulia/micropub"
	"tertulia/store"
	"tertulia/webmention"
)

// clients are the two ways out of the program, and there is no other.
type clients struct {
	strangers *http.Client // to where outsiders point: guarded
	own       *http.Client // to the sites of the settings
}

func newClients(set *settings, log *slog.Logger) clients {
	return clients{fetch.Strangers(set.strangers(log)), fetch.Owner(set.ownHosts(), set.owner(log))}
}

// service is everything that runs, introduced to each other.
type service struct {
	app    *app
	jobs   *site.Jobs
	runner *queue.Runner
	http   http.Handler
	log    *slog.Logger
	hello  func(context.Context) error // said when everything is open; nil for nothing

	began    time.Time
	beat     atomic.Int64 // when the queue last looked for jobs, in nanoseconds since 1970
	stopping atomic.Bool
}

// wire makes everything and hands it over: each arrow of the architecture is a
// line here. Nothing runs yet.
func wire(set *settings, db *store.DB, to clients, log *slog.Logger) (*service, error) {
	live := &site.Arrivals{}
	limits := &site.Limits{PerSender: set.Limits.PerSender, PerHost: set.Limits.PerHost, Queue: set.Limits.Queue}
	hosts := &site.Hosts{}
	parsing := site.NewGate()

	jobs := &site.Jobs{
		DB: db, Own: to.own, Strangers: to.strangers, Live: live, Hosts: hosts, Parsing: parsing, Log: log,
		Never:    set.Webmention.Never,
		Resizer:  &media.Resizer{},
		Hopeless: func(err error) bool { return errors.Is(err, fetch.ErrBlocked) },
		Verifier: &webmention.Verifier{Client: to.strangers, MaxBytes: set.Limits.FetchBytes, Gate: parsing.Enter, Log: log},
		Sender:   &webmention.Sender{Client: to.strangers, MaxBytes: set.Limits.FetchBytes, Allow: set.allow()},
	}
	jobs.Mail, jobs.Settled = set.mailing(), set.names
	desks := map[string]*site.Desk{}
	server := &web.Server{Proxies: set.proxyPrefixes(), Log: log, Watchers: prefixes(set.Metrics)}
	for i := range set.Sites {
		one, desk, err := newParts(set, i, db, to, jobs, limits, log)
		if err != nil {
			return nil, err
		}
		desks[set.Sites[i].URL] = desk
		jobs.Sites, server.Sites = append(jobs.Sites, one.Site), append(server.Sites, one)
	}
	for _, one := range set.Sites {
		for _, other := range one.Destinations {
			desks[one.URL].Others = append(desks[one.URL].Others, desks[other].Uploads)
		}
	}
	svc := &service{
		app:   &app{settings: set, db: db, sites: server.Sites},
		jobs:  jobs,
		log:   log,
		began: time.Now(),
	}
	jobs.Check = svc.app.checkForPage
	svc.runner = &queue.Runner{DB: db, Handlers: jobs.Handlers(), Leases: jobs.Leases(), Busy: hosts.Busy, Beat: svc.alive, Log: log}
	server.Numbers, server.Probes = svc.numbers, svc.probes()
	svc.http = server.Handler()
	svc.alive()
	var problems []error
	for _, s := range server.Sites {
		problems = append(problems, s.IndieAuth.Validate(), s.Access.Client.Validate(), s.Comments.Client.Validate())
	}
	return svc, errors.Join(problems...)
}

// newParts makes the parts that answer for site number i of the settings, and the desk at which its
// editors' posts arrive.
func newParts(set *settings, i int, db *store.DB, to clients, jobs *site.Jobs, limits *site.Limits, log *slog.Logger) (*web.Site, *site.Desk, error) {
	one, live, parsing := set.Sites[i], jobs.Live, jobs.Parsing
	s, err := newSite(set, one, to, log)
	if err != nil {
		return nil, nil, err
	}
	upstream, at, err := newFront(one)
	if err != nil {
		return nil, nil, err
	}
	if s.Publish != nil && s.Source == nil {
		s.Publish = &site.Sized{Target: s.Publish, Site: s, DB: db}
	}
	access := &site.Access{Site: s, DB: db, Client: s.Client(to.strangers, parsing), Providers: set.providers(one, to.own, log)}
	posts := &site.Posts{Site: s, DB: db, Live: live}
	mentions := &site.Mentions{Site: s, DB: db, Limits: limits}
	files := set.mediaDir(s.Key)
	desk := &site.Desk{Uploads: &site.Uploads{Posts: posts, Dir: files, Max: int64(set.Limits.UploadMB) << 20, Quota: int64(set.Limits.UploadsMB) << 20}}
	inbox := &site.Inbox{Site: s, DB: db, Mentions: mentions}
	auth := newIndieAuth(set, one, s, access, to.strangers, log)
	return &web.Site{
		Site:         s,
		Upstream:     upstream,
		At:           at,
		Conversation: &site.Conversation{Site: s, DB: db},
		Mentions:     mentions,
		Inbox:        inbox,
		People:       &site.People{Site: s, DB: db, Inbox: inbox, Erasing: &site.Erasing{Site: s, DB: db, Jobs: jobs}},
		Comments:     &site.Comments{Site: s, DB: db, Jobs: jobs, Client: s.VisitorClient(to.strangers, parsing)},
		Posts:        posts,
		Answering:    &site.Answering{Site: s, DB: db, Posts: posts, Mentions: mentions},
		Outgoing:     &site.Outgoing{Site: s, DB: db, Jobs: jobs},
		Access:       access,
		Pages:        &site.Pages{Site: s, DB: db, Own: to.own},
		Networks:     &site.Networks{Site: s, DB: db, Jobs: jobs},
		Erasing:      &site.Erasing{Site: s, DB: db, Jobs: jobs},
		Work:         &site.Work{Site: s, DB: db},
		Welcome:      &site.Welcome{Site: s, DB: db, Jobs: jobs},
		Settings:     sync.OnceValue(func() theme.Settings { return set.view(&set.Sites[i]) }),
		Notices:      &site.Notices{Site: s, DB: db, Mail: set.Mail.Server},
		IndieAuth:    auth,
		Files:        media.Serve(files),
		Logo:         func(ctx context.Context, address string) (string, error) { return jobs.Logo(ctx, s, address) },
		Pictures:     media.Serve(filepath.Join(files, store.Pictures)),
		Micropub: &micropub.Handler{
			Backend:       desk,
			Authorize:     access.Grant,
			MediaEndpoint: s.Endpoint("media"),
			TokensPage:    s.Endpoint("admin/tokens"),
			MaxFile:       int64(set.Limits.UploadMB) << 20,
			Log:           log,
		}}, desk, nil
}

// newIndieAuth is the owner's authorization server for a site. Its pages are web's.
func newIndieAuth(set *settings, one siteSettings, s *site.Site, access *site.Access, strangers *http.Client, log *slog.Logger) *indieauth.Server {
	auth := &indieauth.Server{
		Issuer: s.Base, Me: s.Me(), Storage: access, Client: strangers, Log: log,
		Endpoints: indieauth.Endpoints{
			Authorization: s.Endpoint("auth"), Token: s.Endpoint("token"), Introspection: s.Endpoint("introspect"),
			Revocation: s.Endpoint("revoke"), Userinfo: s.Endpoint("userinfo"), Metadata: s.Endpoint("metadata"),
			Micropub: s.Endpoint("micropub"),
		},
		Scopes:      site.Scopes(),
		AllowNoPKCE: !set.requirePKCE(),
		Profile: func(context.Context) indieauth.Profile {
			return indieauth.Profile{Name: s.Author.Get("name"), URL: s.Me(), Photo: s.Author.Get("photo"), Email: one.Author.Email}
		},
	}
	if e := s.Elsewhere; e != nil {
		auth.Successor = e.Endpoints()
	}
	return auth
}
