package hub

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/toji-build/toji/hub/store"
)

// retentionMetrics are what clean-ups count. Dry runs do not.
type retentionMetrics struct {
	removed *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	failed  *prometheus.CounterVec
	success *prometheus.GaugeVec
	seconds *prometheus.HistogramVec
}

func newRetentionMetrics(r *prometheus.Registry) retentionMetrics {
	m := retentionMetrics{
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "toji_retention_removed_total",
			Help: "Rows, files and builds that clean-ups removed, moved or untagged, by step and action.",
		}, []string{"step", "action"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "toji_retention_freed_bytes_total",
			Help: "Bytes of files that clean-ups removed, by step.",
		}, []string{"step"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "toji_retention_failures_total",
			Help: "What clean-ups could not do, by step.",
		}, []string{"step"}),
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "toji_retention_last_success_timestamp_seconds",
			Help: "When a clean-up last did all that it was to do, by kind: sweep or gc.",
		}, []string{"kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "toji_retention_run_seconds",
			Help:    "Duration of clean-ups by kind.",
			Buckets: []float64{.1, 1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600},
		}, []string{"kind"}),
	}
	r.MustRegister(m.removed, m.bytes, m.failed, m.success, m.seconds)
	return m
}

// swept counts what a batch did; run is what is left after it.
func (m *retentionMetrics) swept(run store.RetentionRun, step string, items []store.RetentionItem, now time.Time) {
	if run.DryRun {
		return
	}
	for _, i := range items {
		if i.Action == "failed" {
			m.failed.WithLabelValues(step).Inc()
			continue
		}
		m.removed.WithLabelValues(step, i.Action).Add(float64(i.Rows))
		m.bytes.WithLabelValues(step).Add(float64(i.Bytes))
	}
	if len(run.Steps) > 0 {
		return
	}
	m.seconds.WithLabelValues(run.Kind).Observe(now.Sub(run.Requested.Time).Seconds())
	if len(run.Failures) == 0 {
		m.success.WithLabelValues(run.Kind).Set(float64(now.UnixMilli()) / 1000)
	}
}
