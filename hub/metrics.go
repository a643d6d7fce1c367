package hub

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the hub counts.
type metrics struct {
	calls  *prometheus.HistogramVec
	faults *prometheus.CounterVec

	policyLoads *prometheus.CounterVec
	policyStale prometheus.Gauge

	retention retentionMetrics
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "toji_hub_call_seconds",
			Help:    "Duration of calls to the hub by method.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30},
		}, []string{"method"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "toji_hub_faults_total",
			Help: "Calls to the hub that ended in a fault, by method and class of the fault.",
		}, []string{"method", "fault"}),
	}
	m.policyLoads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "toji_hub_policy_loads_total",
		Help: "Times that changed policies were read, by result: ok, or error for those that were refused.",
	}, []string{"result"})
	m.policyStale = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "toji_hub_policy_stale",
		Help: "1 while the policies in the configuration file have errors and older ones are in force.",
	})
	m.retention = newRetentionMetrics(r)
	r.MustRegister(m.calls, m.faults, m.policyLoads, m.policyStale)
	return m
}

func (m *metrics) called(method string, took time.Duration, fault string) {
	m.calls.WithLabelValues(method).Observe(took.Seconds())
	if fault != "" {
		m.faults.WithLabelValues(method, fault).Inc()
	}
}

func (m *metrics) policyLoaded(err error) {
	result, stale := "ok", 0.0
	if err != nil {
		result, stale = "error", 1
	}
	m.policyLoads.WithLabelValues(result).Inc()
	m.policyStale.Set(stale)
}
