package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// routes returns the handler of all pages, redirects, streams and assets.
// Handlers find the parameters of their path with http.Request.PathValue.
func (s *Site) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	get := func(path string, h http.HandlerFunc) {
		engine.GET(path, adapt(h))
		engine.HEAD(path, adapt(h))
	}
	for _, p := range pages {
		get(p.path, s.servePage(p))
	}
	for path, target := range redirects {
		get(path, s.serveRedirect(target))
	}
	get("/static/*name", s.serveAsset)
	get("/events", s.limited(s.serveChanges))
	get("/tasks/:id/events", s.limited(s.serveTaskEvents))
	engine.NoRoute(adapt(s.serveNoRoute))
	engine.NoMethod(adapt(s.serveNoMethod))
	return engine
}

func adapt(h http.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, p := range c.Params {
			c.Request.SetPathValue(p.Key, p.Value)
		}
		h(c.Writer, c.Request)
	}
}
