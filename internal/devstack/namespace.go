package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	namespace = "toji"
	// retention is how long a closed workflow can be looked at; what users ask
	// about is in the database.
	retention = 72 * time.Hour
	// temporalPatience is how long an existing Temporal may take to answer.
	temporalPatience = 10 * time.Second
)

// attributes are the search attributes of tasks' workflows. The program
// temporal-server makes the same ones in a Temporal of our own.
var attributes = map[string]enumspb.IndexedValueType{
	"TojiTask":   enumspb.INDEXED_VALUE_TYPE_INT,
	"TojiMethod": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	"TojiOwner":  enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	"TojiTag":    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	"TojiNVR":    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
}

// prepareTemporal makes sure that an existing Temporal has our namespace.
func prepareTemporal(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{
		HostPort: address, Namespace: namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("--temporal: nothing useful answers at %s: %w; without the option, toji dev starts a Temporal of its own", address, err)
	}
	defer c.Close()
	if err := ensureNamespace(ctx, c); err != nil {
		return fmt.Errorf("--temporal: make namespace %s: %w", namespace, err)
	}
	return nil
}

func ensureNamespace(ctx context.Context, c client.Client) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if _, ok := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !ok {
		return err
	}
	have, err := awaitAttributes(ctx, c)
	if err != nil {
		return err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, kind := range attributes {
		if _, ok := have[name]; !ok {
			missing[name] = kind
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	return err
}

// awaitAttributes returns the namespace's search attributes. A namespace that
// was just registered is not known at once.
func awaitAttributes(ctx context.Context, c client.Client) (map[string]enumspb.IndexedValueType, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		if err == nil {
			return list.GetCustomAttributes(), nil
		}
		if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); !ok {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}
