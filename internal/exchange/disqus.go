package exchange

import (
	"net/url"
	"os"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// A Disqus export lists the threads, which have the address of their page, and then the
// posts, which name their thread and the post that they answer by id.

func openDisqus(file *os.File, _ *url.URL) (*Source, error) {
	return &Source{All: func(yield func(site.Foreign, error) bool) {
		pages := map[string]string{} // id of a thread → address of its page
		err := eachElement(file, map[string]bool{"disqus": true}, func(e *element, _ []string) error {
			switch e.name {
			case "thread":
				if len(pages) >= maxThreads {
					return errThreads
				}
				pages[e.attr["id"]] = e.one("link")
			case "post":
				if !yield(disqusPost(e, pages), nil) {
					return errEnough
				}
			}
			return nil
		})
		finish(err, yield)
	}}, nil
}

func disqusPost(e *element, pages map[string]string) site.Foreign {
	f := site.Foreign{Type: "reply", Comment: e.attr["id"], HTML: e.one("message"), Published: e.one("createdAt")}
	f.Received = f.Published
	if parent := e.find("parent"); parent != nil {
		f.Answers = parent.attr["id"]
	}
	if thread := e.find("thread"); thread != nil {
		f.Target = pages[thread.attr["id"]]
	}
	if author := e.find("author"); author != nil {
		f.Author = mf2.Author{Name: author.one("name")}
	}
	switch {
	case e.one("isSpam") == "true":
		f.Skip = "it is spam"
	case e.one("isDeleted") == "true":
		f.Skip = "it is deleted"
	}
	f.Waits = e.one("isApproved") == "false"
	return f
}
