package main

import (
	"slices"
)

// settings is the reference of every setting: what it is, its default, an example.
// Each is taken from the first of these places that has it: the flags --listen and
// --data; the environment, where fetch.allow is TERTULIA_FETCH_ALLOW (a list has
// commas) and TERTULIA_FETCH_ALLOW_FILE names a file that holds the value; the file
// of --config, of TERTULIA_CONFIG, or ./tertulia.toml; its default. An empty
// variable counts as none. The [[site]] sections are only taken from the file.
//
// It does not change once [loadSettings] has made it.
type settings struct {
	// Where the service answers: host:port, or a list of them. Behind a web server
	// of your own leave it on this machine's own addresses.
	// Default: 127.0.0.1:8080 and [::1]:8080. Example: listen = "127.0.0.1:9001"
	Listen addresses `toml:"listen"`

	// The service's own address, when it has one apart from your sites. Each site's
	// endpoints then lie below it, as in https://talk.example.com/example.com/.
	// Default: none, the service stands on the site's own address and serves its
	// pages. Example: url = "https://talk.example.com/"
	URL string `toml:"url"`

	// The directory of everything that is kept. A relative path begins where the
	// program is started.
	// Default: "./tertulia-data". Example: data = "/var/lib/tertulia"
	Data string `toml:"data"`

	// Addresses or networks of the web servers in front of this one, whose
	// X-Forwarded-For is believed. Without it all visitors behind them look like one.
	// Default: none. Example: proxies = ["127.0.0.1", "::1"]
	Proxies []string `toml:"proxies"`

	// Addresses or networks from which Prometheus may read the numbers of the service, at
	// /metrics on any of its addresses; for everybody else there is nothing.
	// Default: ["127.0.0.0/8", "::1"], this machine. Example: metrics = ["10.1.0.5"]
	Metrics []string `toml:"metrics"`

	// Your sites. Without any there is one, on localhost, to try things out.
	Sites []siteSettings `toml:"site"`

	// Who looks after the sites besides you, whose address each site is.
	People []personSettings `toml:"person"`

	// Networks with whose accounts you all may sign in.
	SignIn []signinSettings `toml:"signin"`

	Mail       mailSettings       `toml:"mail"`
	Fetch      fetchSettings      `toml:"fetch"`
	Webmention webmentionSettings `toml:"webmention"`
	Micropub   micropubSettings   `toml:"micropub"`
	IndieAuth  indieauthSettings  `toml:"indieauth"`
	Limits     limitsSettings     `toml:"limits"`

	listenDefault bool // nobody said where to listen: one of the two addresses may be missing

	file    string        // that they were read from, "" for none
	origins map[any]taken // where each was taken from, by the address of its field; of those with their default, nothing
}

// siteSettings is one [[site]].
type siteSettings struct {
	// The site's home page, which is also the address that you sign in with. https,
	// without a port; both are free on localhost.
	// Example: url = "https://example.com/"
	URL string `toml:"url"`

	// Other addresses at which the same pages are found. With https, http is meant too.
	// Default: none. Example: aliases = ["https://www.example.com/"]
	Aliases []string `toml:"aliases"`

	// Where this site's endpoints lie, if not where url says.
	// Default: the site's url and "-/", or below the service's url.
	// Example: base = "https://talk.example.com/"
	Base string `toml:"base"`

	// The language of the service's pages for this site: "es" or "en".
	// Default: "en". Example: language = "es"
	Language string `toml:"language"`

	// The site's title. Default: its host. Example: name = "El patio de Ana"
	Name string `toml:"name"`

	// You, as the site shows you.
	// Example: author = { name = "Ana", photo = "/ana.jpg" }
	Author authorSettings `toml:"author"`

	// The directory of the site's finished pages. With it this service serves them.
	// Default: none. Example: root = "/srv/blog/public"
	Root string `toml:"root"`

	// The server that has the site's pages, when this service stands in front of it: it hands
	// everything on that is not its own, and adds endpoints and conversation to the pages.
	// Default: none. Example: upstream = "http://127.0.0.1:1313"
	Upstream string `toml:"upstream"`

	// Where the site's pages are fetched from, when its name does not lead there from
	// this machine.
	// Default: none. Example: origin = "http://127.0.0.1:8081"
	Origin string `toml:"origin"`

	// Other sites of this file to which an editor that is signed in at this one may post
	// as well.
	// Default: none. Example: destinations = ["https://fotos.example.com/"]
	Destinations []string `toml:"destinations"`

	// Channels that posts can go into. The pages that this service makes have one for each,
	// with a feed; in the front matter of a generator it is named channel.
	Channels []channelSettings `toml:"channel"`

	// The accounts on networks that copies of your posts go to, and from which answers come home.
	Syndicate []syndicateSettings `toml:"syndicate"`

	// The WebSub hub that is told when the site's feed has changed, so that readers see a
	// post at once. Our own feed names it; in a feed of yours name it yourself.
	// Default: none. Example: hub = "https://websubhub.com/hub"
	Hub string `toml:"hub"`

	IndieAuth    elsewhereSettings    `toml:"indieauth"`
	Publish      publishSettings      `toml:"publish"`
	Watch        watchSettings        `toml:"watch"`
	Conversation conversationSettings `toml:"conversation"`
	Notify       notifySettings       `toml:"notify"`
}

// personSettings is somebody who looks after sites: [[person]].
type personSettings struct {
	// Their own address. Decisions bear it.
	// Example: me = "https://bea.example/"
	Me string `toml:"me"`
	// What they are called. Default: their address. Example: name = "Bea"
	Name string `toml:"name"`
	// The sites that they look after. Default: all. Example: sites = ["https://example.com/"]
	Sites []string `toml:"sites"`
	// What they may do: a "moderator" decides about mentions and people, an "owner" does
	// everything. Example: role = "moderator"
	Role string `toml:"role"`
}

// signinSettings is a network with whose accounts people sign in: [[signin]]. The profile
// of an account must name the address of somebody who looks after the site, and the page
// there must link to the profile with rel="me".
type signinSettings struct {
	// What it is: "github", or "mastodon" for any server with its API.
	// Example: kind = "github"
	Kind string `toml:"kind"`
	// Where it is, unless it is GitHub.
	// Default: GitHub's own address. Example: server = "https://mastodon.example"
	Server string `toml:"server"`
	// What the network calls the application that you have made there. Browsers come back to
	// signin/back/github below the address of the site's endpoints, or to signin/back/ with
	// the server's host: give it that address. Mastodon: with the scope read:accounts.
	// Example: client_id = "Iv1.8a61f9b3a7aba766"
	ClientID string `toml:"client_id"`
	// A file with the application's secret.
	// Example: client_secret_file = "/etc/tertulia/github-secret"
	SecretFile string `toml:"client_secret_file"`
	// An account whose person's page need not link back, because you say here that it is theirs.
	// Default: none. Example: user = "ana"
	User string `toml:"user"`
	// Whose account that is, by their address; it lets nobody else in. To be said where there are
	// several people. Default: that of the site. Example: me = "https://example.com/"
	Me string `toml:"me"`
	// The sites that it is for. Default: all. Example: sites = ["https://example.com/"]
	Sites []string `toml:"sites"`
}

// channelSettings is a channel of a site: [[site.channel]].
type channelSettings struct {
	// What it is called in addresses: small letters, digits and hyphens.
	// Example: uid = "fotos"
	UID string `toml:"uid"`
	// What people call it. Default: uid. Example: name = "Fotos del mar"
	Name string `toml:"name"`
}

// syndicateSettings is an account on a network that copies of posts go to: [[site.syndicate]].
type syndicateSettings struct {
	// What it is: "mastodon" for any server with its API, "bluesky", "micropub" for a blog such as one at
	// Micro.blog, "indienews", "telegram"; or a network that lets no program in, for which texts are
	// prepared that you post yourself: "x", "threads", "facebook", "linkedin", "pinterest",
	// "instagram", "youtube", "foursquare".
	// Example: kind = "mastodon"
	Kind string `toml:"kind"`
	// Where it is: the server; of a blog its Micropub endpoint, of IndieNews the address of the list.
	// Default: https://bsky.social, https://micro.blog/micropub, or the list in your language.
	// Example: server = "https://mastodon.example"
	Server string `toml:"server"`
	// The account, as the network has it: a name, a handle, "@name" of a Telegram channel.
	// Default: none, but of Bluesky and Telegram. Example: user = "ana"
	User string `toml:"user"`
	// A file with its token or app password. Without one the account is connected on your pages
	// or with: tertulia network connect
	// Default: none. Example: token_file = "/etc/tertulia/mastodon-token"
	TokenFile string `toml:"token_file"`
	// What you and your editors call it.
	// Default: the network and the account. Example: name = "Mastodon"
	Name string `toml:"name"`
	// The kinds of posts that go there when nobody says where they go: "note", "article", "photo",
	// "video", "audio", "event", "checkin", "bookmark", "reply", "like", "repost"…; or "all" of those
	// that stand alone, which replies, likes and reposts do not.
	// Default: none. Example: default = ["note", "photo"]
	Default []string `toml:"default"`
}

// authorSettings is a site's owner.
type authorSettings struct {
	// Your name. Default: the site's name. Example: name = "Ana"
	Name string `toml:"name"`
	// A picture of you: its address, or where it lies on the site.
	// Default: none. Example: photo = "/ana.jpg"
	Photo string `toml:"photo"`
	// A sentence about you. Default: none. Example: note = "Escribo sobre el mar."
	Note string `toml:"note"`
	// Your mail address: beside your changes in git, and for applications that ask for it, if you
	// let them know it. Default: none. Example: email = "ana@example.com"
	Email string `toml:"email"`
}

// publishSettings says where a site's posts go: [site.publish].
type publishSettings struct {
	// Who makes the pages of posts: "html" this service does; with "hugo", "jekyll",
	// "eleventy", "astro", "zola" or "plain" posts are written into the source of your
	// site, and that program builds them; "none" nobody.
	// Default: "html" where this service serves the site or dir is given, else "none".
	// Example: preset = "hugo"
	Preset string `toml:"preset"`
	// The directory into which posts are written: that of the pages for "html", else the
	// source of your site, where your generator's settings are.
	// Default: a directory of the site's own below data. Example: dir = "/srv/blog"
	Dir string `toml:"dir"`
	// The command that builds the site after a post was written, in dir, word by word:
	// there is no shell. Default: none, something else builds. Example: build = ["hugo"]
	Build []string `toml:"build"`
	// The directory into which the generator writes its pages.
	// Default: the generator's own, such as "public" in dir. Example: output = "/srv/blog/public"
	Output string `toml:"output"`
	// An address that is called, with POST, to have the site built elsewhere. It is a
	// secret: a file may hold it, see hook_file.
	// Default: none. Example: hook = "https://api.netlify.com/build_hooks/5f1c"
	Hook string `toml:"hook"`
	// A file with the address for hook.
	// Default: none. Example: hook_file = "/etc/tertulia/hook"
	HookFile string `toml:"hook_file"`
	// How long what is learnt of a post after it was published, such as the addresses of its
	// copies, may wait before it is written into the source of your site: deploys can cost
	// money. New posts and edits go at once, and take along what waits.
	// Default: "0s", at once. Example: batch = "24h"
	Batch duration `toml:"batch"`

	Git gitSettings `toml:"git"`

	// Where the file of a post lies in dir, by kind of post ("article", "note", "photo",
	// "reply", …) or for "all" of them, with {yyyy} {MM} {dd} {slug} {type} {types} {channel}
	// and more; {channel} stands between slashes, and posts in none go without.
	// Default: as the preset has it. Example: path = { all = "content/posts/{slug}.md" }
	Path map[string]string `toml:"path"`
	// The address of a post below the site's, in the same way.
	// Default: as the preset has it. Example: permalink = { all = "posts/{slug}/" }
	Permalink map[string]string `toml:"permalink"`
	// Where uploaded files lie in dir, with {filename} {ext} {md5} as well.
	// Default: as the preset has it. Example: media = "static/media/{yyyy}/{filename}"
	Media string `toml:"media"`
	// How front matter is written: "yaml", "toml" or "json".
	// Default: as the preset has it. Example: format = "toml"
	Format string `toml:"format"`
	// Other names in front matter for a property, with dots into tables.
	// Default: as the preset has it. Example: keys = { category = "taxonomies.tags" }
	Keys map[string]string `toml:"keys"`
	// What every new file has besides; the tokens of paths stand for the post's own. Default: none. Example: defaults = { layout = "{type}" }
	Defaults map[string]string `toml:"defaults"`
}

// gitSettings are about the history of the site's source: [site.publish.git].
type gitSettings struct {
	// Whether what is written is committed to git, and pushed where there is a remote.
	// Default: false, and true when remote is given. Example: commit = true
	Commit *bool `toml:"commit"`
	// Where to push to: an address, or the name of one of the tree's remotes.
	// Default: origin, where there is one. Example: remote = "https://codeberg.org/ana/blog.git"
	Remote string `toml:"remote"`
	// The branch. Default: the one that is checked out. Example: branch = "main"
	Branch string `toml:"branch"`
	// Whether the service has a clone of its own, below data, instead of working in dir;
	// dir is then a directory in the clone, if it is given at all.
	// Default: false. Example: clone = true
	Clone bool `toml:"clone"`
	// A file with the password or token for a remote over https.
	// Default: none. Example: token_file = "/etc/tertulia/git-token"
	TokenFile string `toml:"token_file"`
	// The user that goes with it. Default: the one in remote, else "git". Example: user = "ana"
	User string `toml:"user"`
	// A file with the private key for a remote over ssh.
	// Default: what ssh itself finds. Example: key_file = "/etc/tertulia/id_ed25519"
	KeyFile string `toml:"key_file"`
}

// elsewhereSettings are for an owner who keeps an IndieAuth server: [site.indieauth]
// (SPECS D12). The site's pages then name it instead of this service, editors get their
// tokens there, and it is asked about them; tokens made by hand still come from here.
type elsewhereSettings struct {
	// Where it asks you whether an application may act for you.
	// Default: none, this service does it. Example: authorization_endpoint = "https://auth.example.net/auth"
	Authorization string `toml:"authorization_endpoint"`
	// Where it gives tokens, and tells about them. Both go together.
	// Default: none. Example: token_endpoint = "https://auth.example.net/token"
	Token string `toml:"token_endpoint"`
	// Where it tells about tokens, if it has a place of its own for that.
	// Default: none. Example: introspection_endpoint = "https://auth.example.net/introspect"
	Introspection string `toml:"introspection_endpoint"`
	// Where it describes itself, if it does: your pages name that as well.
	// Default: none. Example: metadata = "https://auth.example.net/metadata"
	Metadata string `toml:"metadata"`
}

// all are the addresses that are given.
func (e elsewhereSettings) all() []string {
	return slices.DeleteFunc([]string{e.Authorization, e.Token, e.Introspection, e.Metadata}, func(s string) bool { return s == "" })
}

// watchSettings is about pages of the site that are written by hand: [site.watch]. Those
// that they link to are told when there is a new one, when one changes, and when one goes.
type watchSettings struct {
	// Whether the site's lists of pages are looked through.
	// Default: true where nobody publishes (preset "none") and where feed or sitemap is
	// given, else false. Example: on = false
	On *bool `toml:"on"`
	// The site's feed: Atom, RSS, JSON Feed, or a page with an h-feed.
	// Default: the one that the home page names. Example: feed = "https://example.com/feed.xml"
	Feed string `toml:"feed"`
	// The site's map, or the index of its maps.
	// Default: none. Example: sitemap = "https://example.com/sitemap.xml"
	Sitemap string `toml:"sitemap"`
	// How often. The hook for whoever builds the site has it done at once.
	// Default: "30m". Example: every = "2h"
	Every duration `toml:"every"`
}

// conversationSettings is about what others say: [site.conversation].
type conversationSettings struct {
	// Whose mentions wait for you before they are shown: "people" those of people
	// whom you have not approved yet, "all" everybody's, "none" nobody's.
	// Default: "people". Example: approve = "all"
	Approve string `toml:"approve"`
	// Where in a page its conversation goes, besides <tertulia-conversation>: into the first
	// element that has this tag, #id, .class or [attribute], or all of them, as in
	// "div#comments". What stands there is replaced. It counts where this service answers for
	// the pages, with root or upstream.
	// Default: nowhere else. Example: at = "#comments"
	At string `toml:"at"`
	// What is said to your readers in your own words, in "es" and "en": sentences by the names
	// that they have in internal/lang, as texts or with their plural forms.
	// Default: ours. Example: strings = { es = { "conversation.title" = "Charla" } }
	Strings map[string]any `toml:"strings"`
	// How much readers see of people who never came here, whom a bridge such as Bridgy has
	// brought because they liked, shared or answered a copy of your post on a network: "full"
	// shows their name, picture and profile; "first-name" shows the given name of those who
	// liked or shared, and those who wrote something in full; "anonymous" only counts the
	// likes, and shows what was written with the given name alone.
	// Default: "first-name". Example: bridged = "anonymous"
	Bridged string `toml:"bridged"`
	// Whom others ask about what is kept of them, for the privacy note: a mail address, or the
	// address of a page. Default: your home page. Example: contact = "ana@example.com"
	Contact string `toml:"contact"`
	// The directory in the source of your site into which the conversation of each page is
	// written, a file of JSON to a page, so that your generator shows it and it lies in your
	// repository; "usual" is where your generator reads data. It goes with the next batch.
	// Default: none. Example: data = "usual"
	Data string `toml:"data"`
	// Whether people can reply on your pages without a site of their own, or signed in with
	// theirs. Who does not sign in waits for you, unless approve is "none".
	// Default: false. Example: comments = true
	Comments bool `toml:"comments"`
}

// notifySettings is about what you are told by mail of what happens here: [site.notify]. It takes a
// server in [mail].
type notifySettings struct {
	// Where mail goes. Default: author.email. Example: to = "ana@example.com"
	To string `toml:"to"`
	// That something waits for your decision: "off", "now" or in the "digest".
	// Default: "digest". Example: waiting = "now"
	Waiting string `toml:"waiting"`
	// That something which readers see waits for your answer for longer than patience: "off", "now" or in the
	// "digest". Default: "digest". Example: unanswered = "off"
	Unanswered string `toml:"unanswered"`
	// How long your answers may take. Default: "168h". Example: patience = "48h"
	Patience duration `toml:"patience"`
	// That readers see a new response of somebody whom you trust: "off", "now" or in the "digest".
	// Default: "digest". Example: public = "off"
	Public string `toml:"public"`
	// That something did not work and was given up, or that a copy on a network needs you: "off", "now" or in the "digest".
	// Default: "now". Example: trouble = "digest"
	Trouble string `toml:"trouble"`
	// That somebody signs in with a new browser, or that there is a new token, passkey or
	// passphrase: "off", "now" or in the "digest".
	// Default: "now". Example: access = "digest"
	Access string `toml:"access"`
	// How often a digest comes: "daily" or "weekly".
	// Default: "daily". Example: digest = "weekly"
	Digest string `toml:"digest"`
	// The day of weekly digests. Default: "monday". Example: day = "friday"
	Day string `toml:"day"`
	// The time of day of digests. Default: "08:00". Example: at = "19:30"
	At string `toml:"at"`
	// The time zone that this is meant in. Default: this machine's. Example: zone = "Europe/Madrid"
	Zone string `toml:"zone"`
}

// mailSettings is about the server that takes mail to you: [mail].
type mailSettings struct {
	// Its name. Default: none, no mail is sent. Example: server = "smtp.example.com"
	Server string `toml:"server"`
	// Its port. Default: 587 with "starttls", 465 with "implicit", 25 with "none".
	// Example: port = 2525
	Port int `toml:"port"`
	// How the connection is secured: with "starttls" after the greeting, with "implicit" from the
	// beginning, or with "none" not at all, which is for a server on this machine.
	// Default: "starttls". Example: tls = "implicit"
	TLS string `toml:"tls"`
	// The name to sign in with. Default: none. Example: user = "ana@example.com"
	User string `toml:"user"`
	// The password that goes with it. It is better kept in a file, see password_file.
	// Default: none. Example: password = "correct horse"
	Password string `toml:"password"`
	// A file with the password, which comes before password.
	// Default: none. Example: password_file = "/etc/tertulia/mail-password"
	PasswordFile string `toml:"password_file"`
	// The address that mail comes from. Default: user. Example: from = "tertulia@example.com"
	From string `toml:"from"`
}

// fetchSettings is about the addresses to which strangers send us: [fetch].
type fetchSettings struct {
	// Private networks or addresses that strangers' links may lead to, on any port.
	// Default: none; this machine's own while sites and service are on localhost only.
	// Example: allow = ["10.1.0.0/16"]
	Allow []string `toml:"allow"`
}

// webmentionSettings is about what is sent to other sites: [webmention].
type webmentionSettings struct {
	// Hosts that take no Webmentions, with all below them: they are never asked.
	// Default: the large networks, such as "facebook.com" and "twitter.com".
	// Example: never = ["example.net"]
	Never []string `toml:"never"`
}

// micropubSettings is about the editors that you post with: [micropub] (SPECS D1).
type micropubSettings struct {
	// Editors that may send their token twice in one request, against the standard.
	// Default: ["https://quill.p3k.io/"]. Example: lenient_clients = []
	LenientClients []string `toml:"lenient_clients"`
}

// indieauthSettings is about signing in with your site's address: [indieauth] (SPECS D4).
type indieauthSettings struct {
	// Whether editors must prove with PKCE that a sign-in is theirs. Turn it off only
	// for an old editor that you need.
	// Default: true. Example: require_pkce = false
	RequirePKCE *bool `toml:"require_pkce"`
}

// limitsSettings is [limits]: how much is taken from strangers, and from you.
type limitsSettings struct {
	// The largest upload, in MiB. Default: 64. Example: upload_mb = 200
	UploadMB int `toml:"upload_mb"`
	// How much all uploads of a site may take together, in MiB, with the smaller copies of
	// pictures; 0 leaves it to the disk.
	// Default: 0. Example: uploads_mb = 5000
	UploadsMB int `toml:"uploads_mb"`
	// Webmentions taken a minute from one sender's address.
	// Default: 300. Example: per_sender = 60
	PerSender int `toml:"per_sender"`
	// Webmentions taken a minute about the pages of one host.
	// Default: 120. Example: per_host = 30
	PerHost int `toml:"per_host"`
	// Webmentions that may wait to be looked at. Default: 10000. Example: queue = 2000
	Queue int `toml:"queue"`
	// How long fetching a stranger's page may take.
	// Default: "10s". Example: fetch_timeout = "30s"
	FetchTimeout duration `toml:"fetch_timeout"`
	// How many bytes of a stranger's page are read.
	// Default: 1048576, which is 1 MiB. Example: fetch_bytes = 262144
	FetchBytes int64 `toml:"fetch_bytes"`
}
