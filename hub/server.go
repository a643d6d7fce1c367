package hub

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
)

// ServerOptions say what a server serves besides the API.
type ServerOptions struct {
	Web http.Handler // whatever is not the hub's, such as the pages; nil for 404
}

// Server answers a hub's HTTP requests:
//
//	POST /kojihub      the API, at every path below it too
//	POST /kojihub?...  raw uploads, by their content type
//	GET  /kojifiles/   the files of the top directory
//	GET  /healthz      200 if the database answers
//	GET  /metrics      for Prometheus
type Server struct {
	hub     *Hub
	engine  *gin.Engine
	handler http.Handler
	tls     *tls.Config // nil without a TLS listener
	files   *os.Root
	ordered []string // methods in whose calls structs keep their order
}

// NewServer returns a server for h. It listens to nothing yet. The top directory
// must exist.
func NewServer(h *Hub, o ServerOptions) (*Server, error) {
	s := &Server{hub: h, ordered: rpc.OrderedMethods()}
	var err error
	if s.tls, err = tlsConfig(h.Config.TLSCert, h.Config.TLSKey, h.Config.ClientCA, h.Config.ListenTLS+h.Config.ListenBuilders != ""); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if s.files, err = os.OpenRoot(h.Paths.TopDir); err != nil {
		return nil, fmt.Errorf("hub: open the top directory: %w", err)
	}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false
	s.engine.Any("/kojihub", s.api)
	s.engine.Any("/kojihub/*path", s.api)
	s.engine.GET("/kojifiles", func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, "/kojifiles/") })
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		s.engine.Handle(method, "/kojifiles/*path", gin.WrapH(fileServer(s.files)))
		s.engine.Handle(method, "/healthz", s.health)
	}
	s.engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(h.Registry, promhttp.HandlerOpts{})))
	if o.Web != nil {
		s.engine.NoRoute(func(c *gin.Context) {
			c.Status(http.StatusOK) // gin has set 404
			o.Web.ServeHTTP(c.Writer, c.Request)
		})
	}
	s.handler = s.recovered(s.engine)
	return s, nil
}

// Handler returns the server as a handler, for other listeners.
func (s *Server) Handler() http.Handler { return s.handler }

// TLS returns the server's certificate and the authority of its clients, nil
// without a TLS listener.
func (s *Server) TLS() *tls.Config { return s.tls }

// Close lets go of the top directory.
func (s *Server) Close() error { return s.files.Close() }

// tlsConfig takes client certificates of the given authority, without asking for
// one: logging in by password goes over the same listener.
func tlsConfig(cert, key, clientCA string, wanted bool) (*tls.Config, error) {
	if !wanted {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, fmt.Errorf("read client authority: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", clientCA)
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return c, nil
}

// Run listens as configured and serves until ctx is done; then it lets calls
// under way end for a while.
func (s *Server) Run(ctx context.Context) error {
	c := s.hub.Config
	g, ctx := errgroup.WithContext(ctx)
	if c.Listen != "" {
		g.Go(func() error { return s.serve(ctx, c.Listen, nil) })
	}
	if c.ListenTLS != "" {
		g.Go(func() error { return s.serve(ctx, c.ListenTLS, s.tls) })
	}
	return g.Wait()
}

// drainTime is how long calls under way may go on when the server is stopped.
const drainTime = 3 * time.Second

func (s *Server) serve(ctx context.Context, address string, secure *tls.Config) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	return s.Serve(ctx, ln)
}

// Serve answers the requests that come in over ln, as Run does, and closes it.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.hub.Log.Handler(), slog.LevelDebug),
	}
	s.hub.Log.InfoContext(ctx, "listening", "address", ln.Addr().String())
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if err := server.Shutdown(drain); err != nil {
			server.Close()
		}
	})
	err := server.Serve(ln)
	if !stop() {
		<-drained
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("hub: serve: %w", err)
	}
	return nil
}

// recovered answers 500 when a handler panics; nobody sees a stack but the log.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p) // means what it says
			}
			s.hub.Log.ErrorContext(r.Context(), "request panicked", obs.Path, r.URL.Path, obs.Panic, p, obs.Stack, string(debug.Stack()))
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) health(c *gin.Context) {
	if err := s.hub.Store.Ping(c.Request.Context()); err != nil {
		s.hub.Log.WarnContext(c.Request.Context(), "unhealthy", obs.Error, err)
		c.String(http.StatusServiceUnavailable, "database outage\n")
		return
	}
	c.String(http.StatusOK, "ok\n")
}

// api answers a request to the API. Anything but a call is answered in plain
// text with the statuses of Koji's hub.
func (s *Server) api(c *gin.Context) {
	w, r := c.Writer, c.Request
	w.Header().Set("Koji-Version", KojiVersion)
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		plain(w, http.StatusMethodNotAllowed, "Method Not Allowed\nThis is an XML-RPC server. Only POST requests are accepted.\n")
	case r.ContentLength < 0:
		// Koji: its web server wants to know the length.
		plain(w, http.StatusLengthRequired, "Length Required\n")
	case s.hub.Config.ServerOffline:
		w.Header().Set("Content-Type", "text/xml")
		s.reply(w, r, nil, offline(cmp.Or(s.hub.Config.OfflineMessage, "server is offline")))
	case r.Header.Get("Content-Type") == "application/octet-stream":
		result, err := s.hub.upload(r)
		s.reply(w, r, result, err)
	default:
		s.rpc(w, r)
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who does not listen does not need it
}
