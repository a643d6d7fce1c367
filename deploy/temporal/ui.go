package main

import (
	"fmt"
	"net"
	"net/netip"

	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// newUI makes the web UI for the frontend at o.dialAddr. It fails when o.UI is taken,
// which the UI itself would answer by ending the process without a word about why.
func newUI(o Options) (*ui.Server, error) {
	addr := netip.MustParseAddrPort(o.UI)
	l, err := net.Listen("tcp", o.UI)
	if err != nil {
		return nil, fmt.Errorf("web UI: %w", err)
	}
	l.Close()
	host := addr.Addr().String()
	if addr.Addr().Is6() {
		host = "[" + host + "]" // the UI server joins host and port with a bare colon
	}
	return ui.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
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
	})), nil
}
