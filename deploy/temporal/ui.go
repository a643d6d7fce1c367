package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// startUI serves the web UI of the frontend at o.dialAddr, and returns when it answers. It
// fails when o.UI is taken, which the UI itself would answer by ending the process without a
// word about why.
func startUI(ctx context.Context, o Options) (*ui.Server, error) {
	l, err := net.Listen("tcp", o.UI)
	if err != nil {
		return nil, fmt.Errorf("web UI: %w", err)
	}
	l.Close()
	server := ui.NewServer(uioptions.WithConfigProvider(uiConfig(o)))
	go server.Start() //nolint:errcheck // it ends the process itself when it cannot serve
	for {
		conn, err := net.Dial("tcp", o.UI)
		if err == nil {
			conn.Close()
			return server, nil
		}
		select {
		case <-ctx.Done():
			server.Stop()
			return nil, ctx.Err()
		case <-time.After(readyEvery):
		}
	}
}

func uiConfig(o Options) *uiconfig.Config {
	addr := netip.MustParseAddrPort(o.UI)
	host := addr.Addr().String()
	if addr.Addr().Is6() {
		host = "[" + host + "]" // the UI server joins host and port with a bare colon
	}
	return &uiconfig.Config{
		TemporalGRPCAddress: o.dialAddr(),
		Host:                host,
		Port:                int(addr.Port()),
		EnableUI:            true,
		DefaultNamespace:    o.Namespace,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // it is served over plain HTTP
		// A task is canceled or freed through Toji, which writes it down first. Terminating
		// its workflow here would leave a task that nobody works on.
		DisableWriteActions: true,
		DisableNewsFetch:    true, // an installation may have no way to the Internet
		HideLogs:            true,
	}
}
