package main

import (
	"fmt"
	"net/netip"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	clusterName = "active"

	// historyShards can never be changed once the database exists. Four are plenty for one
	// process; each costs some idle queries.
	historyShards = 4
)

// dynamicConfig is where we differ from Temporal's defaults.
var dynamicConfig = dynamicconfig.StaticClient{
	// With several partitions per queue the priority of tasks holds only within each.
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	// Every builder holds a few long polls all the time; 1200 would end at some 300 builders.
	dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(): 5000,
	// The UI's pages make about a dozen queries each; 10 per second shows as errors there.
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
	// Entries; 128000 would let a long-lived server grow to gigabytes.
	dynamicconfig.HistoryCacheHostLevelMaxSize.Key(): 8192,
}

// newCluster constructs all four services on the two prepared databases. internalPorts are
// three free loopback ports for the services behind the frontend. Nothing is served yet, but
// Temporal opens and checks its databases and binds all ports here.
func newCluster(o Options, main, visibility database, internalPorts []int, log log.Logger) (temporal.Server, error) {
	cfg := clusterConfig(o, main, visibility, internalPorts)
	s, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(staticHosts(o, cfg.Services)),
		temporal.WithLogger(log),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
		temporal.WithDynamicConfigClient(dynamicConfig),
	)
	if err != nil {
		return nil, fmt.Errorf("construct Temporal: %w", err)
	}
	return s, nil
}

// clusterConfig is what a stand-alone Temporal would read from its config.yaml.
func clusterConfig(o Options, main, visibility database, internalPorts []int) *config.Config {
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "main",
			VisibilityStore:  "visibility",
			NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{
				"main":       {SQL: main.config()},
				"visibility": {SQL: visibility.config()},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: o.dialAddr()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
		PublicClient: config.PublicClient{HostPort: o.dialAddr()},
		Services:     services(o, internalPorts),
	}
	cfg.Global.Membership.BroadcastAddress = loopback
	if o.Metrics != "" {
		cfg.Global.Metrics = &metrics.Config{Prometheus: &metrics.PrometheusConfig{
			ListenAddress: o.Metrics, HandlerPath: "/metrics",
		}}
	}
	return cfg
}

func services(o Options, internalPorts []int) map[string]config.Service {
	listen := netip.MustParseAddrPort(o.Listen)
	at := func(ip string, port int) config.Service {
		return config.Service{RPC: config.RPC{BindOnIP: ip, GRPCPort: port}}
	}
	return map[string]config.Service{
		string(primitives.FrontendService): at(listen.Addr().String(), int(listen.Port())),
		string(primitives.HistoryService):  at(loopback, internalPorts[0]),
		string(primitives.MatchingService): at(loopback, internalPorts[1]),
		string(primitives.WorkerService):   at(loopback, internalPorts[2]),
	}
}

// staticHosts tells every service where the others are. Without it they would gossip to
// find out, on four more ports, for some seconds at each start.
func staticHosts(o Options, services map[string]config.Service) map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts, len(services))
	for name, s := range services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(fmt.Sprintf("%s:%d", loopback, s.RPC.GRPCPort))
	}
	hosts[primitives.FrontendService] = static.SingleLocalHost(o.dialAddr())
	return hosts
}
