package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/config"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// searchAttributes says which column of the visibility table each of our search attributes
// is kept in. The column decides its type. Columns are never reused: a running installation
// has values in them.
var searchAttributes = map[string]string{
	"Int01":     "TojiTask",   // id of the task
	"Keyword01": "TojiMethod", // the task's method: build, buildArch, ...
	"Keyword02": "TojiOwner",  // name of the user who created it
	"Keyword03": "TojiTag",    // tag that it builds from or into
	"Keyword04": "TojiNVR",    // name-version-release of what it builds
	"Keyword05": "TojiHost",   // host that works on it
}

const (
	readyEvery  = 50 * time.Millisecond
	callTimeout = 10 * time.Second
)

// createNamespace enters the namespace into the main database before the first start, so
// that it is usable as soon as the frontend is: one that is made through the frontend takes
// up to ten seconds to reach all services' caches. An existing one stays as it is.
func createNamespace(store *config.SQL, o Options) error {
	// The package is named after SQLite, but works on any SQL store.
	ns, err := sqliteschema.NewNamespaceConfig(clusterName, o.Namespace, false, nil)
	if err != nil {
		return fmt.Errorf("namespace %s: %w", o.Namespace, err)
	}
	ns.Detail.Config.Retention = durationpb.New(o.Retention)
	ns.Detail.Config.CustomSearchAttributeAliases = maps.Clone(searchAttributes)
	if err := sqliteschema.CreateNamespaces(store, ns); err != nil {
		return fmt.Errorf("namespace %s: %w", o.Namespace, err)
	}
	return nil
}

// awaitNamespace returns once the frontend describes the namespace. Retention and search
// attributes are brought to what o and searchAttributes say, in case that an older Toji
// registered it.
func awaitNamespace(ctx context.Context, o Options, log *slog.Logger) error {
	c, err := client.NewLazyClient(client.Options{
		HostPort:  o.dialAddr(),
		Namespace: o.Namespace,
		Logger:    sdklog.NewStructuredLogger(log),
	})
	if err != nil {
		return fmt.Errorf("dial own frontend: %w", err)
	}
	defer c.Close()
	for complained := time.Now(); ; {
		ns, err := describe(ctx, c, o.Namespace)
		if err == nil {
			return reconcile(ctx, c, o, ns.GetConfig())
		}
		if time.Since(complained) > complainEvery {
			log.Warn("waiting for the frontend", "address", o.dialAddr(), "error", err)
			complained = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(readyEvery):
		}
	}
}

func describe(ctx context.Context, c client.Client, name string) (*workflowservice.DescribeNamespaceResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
}

func reconcile(ctx context.Context, c client.Client, o Options, have *namespacepb.NamespaceConfig) error {
	if have.GetWorkflowExecutionRetentionTtl().AsDuration() == o.Retention &&
		maps.Equal(have.GetCustomSearchAttributeAliases(), searchAttributes) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := c.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: o.Namespace,
		Config: &namespacepb.NamespaceConfig{
			WorkflowExecutionRetentionTtl: durationpb.New(o.Retention),
			CustomSearchAttributeAliases:  searchAttributes,
		},
	})
	if err != nil {
		return fmt.Errorf("update namespace %s: %w", o.Namespace, err)
	}
	return nil
}
