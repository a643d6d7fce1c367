package hub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// A task's wait is explained by toji.why, and in Koji's own log of the scheduler.
func TestWhy(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	admin := asAdmin(t)
	must(t, asHost(t, 1), h, api.HostUpdateHost, api.UpdateHostParams{Ready: true, Data: map[string]any{
		"maxjobs": int64(1), "memory_free": int64(5e9), "versions": map[string]any{"toji": "1"}, "cpus": "many",
	}})
	first, second := sleepTask(t, h), sleepTask(t, h)
	require.NoError(t, h.Sched.Round(t.Context()))
	require.Equal(t, koji.TaskAssigned, stateOf(t, h, first))

	why := must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: second})
	require.Equal(t, "sleep noarch default labuser", why.Method+" "+why.Arch+" "+why.Channel+" "+why.Owner)
	require.Equal(t, "no-capacity", why.Wait.Code)
	require.Equal(t, []api.HostVerdict{
		{HostID: 1, Host: "h1", Code: "full", Detail: "load 0.25 of 2.00, 1 task"}, {HostID: 2, Host: "h2", Code: "not-ready"},
	}, why.Hosts)
	require.Nil(t, must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: 1000}))
	require.Empty(t, must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: first}).Hosts)
	log := must(t, t.Context(), h, api.GetSchedulerMessages, api.ViewParams{Clauses: []any{[]any{"task_id", second}}, Fields: []any{"msg"}})
	require.Equal(t, []map[string]any{{"msg": "Waiting: " + why.Wait.Reason}}, log)

	status := must(t, t.Context(), h, api.GetHostStatus, api.NoParams{})[0]
	require.Equal(t, api.HostReport{MemoryFree: 5e9, Versions: map[string]string{"toji": "1"}}, status.Report, "what has another type is left out")

	must(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "owner", Info: "labuser", Tasks: new(int64(1))})
	require.NoError(t, h.Sched.Round(t.Context()))
	require.Equal(t, "labuser has 1 task on hosts, which is the limit", must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: second}).Wait.Reason)
}

func TestTaskLimits(t *testing.T) {
	h := newTestHub(t)
	admin := asAdmin(t)
	must(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "owner", Info: "labuser", Tasks: new(int64(3))})
	must(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "channel", Info: "default", Tasks: new(int64(0))})
	must(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "owner", Info: "labuser", Tasks: new(int64(4))})
	require.Equal(t, []api.TaskLimit{{Kind: "channel", ID: 1, Name: "default"}, {Kind: "owner", ID: 2, Name: "labuser", Tasks: 4}},
		must(t, t.Context(), h, api.GetTaskLimits, api.NoParams{}))
	must(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "channel", Info: int64(1)})
	require.Len(t, must(t, t.Context(), h, api.GetTaskLimits, api.NoParams{}), 1)

	refused(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "host", Info: "h1"}, koji.FaultParameter, "Limits are of kind owner or channel, not host")
	refused(t, admin, h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "owner", Info: "labuser", Tasks: new(int64(-1))}, koji.FaultParameter, "Invalid number of tasks: -1")
	refused(t, asLabuser(t), h, api.SetTaskLimit, api.SetTaskLimitParams{Kind: "owner", Info: "labuser"}, koji.FaultActionNotAllowed,
		"admin permission required (logged in as labuser)")
}

func TestMaintenance(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	admin := asAdmin(t)
	at := func(in time.Duration) float64 { return koji.NewTime(time.Now().Add(in)).TS() }
	must(t, asHost(t, 1), h, api.HostUpdateHost, api.UpdateHostParams{Ready: true})
	later := must(t, admin, h, api.AddMaintenance, api.AddMaintenanceParams{Host: "h1", Starts: at(2 * time.Hour), Ends: at(3 * time.Hour)})
	now := must(t, admin, h, api.AddMaintenance, api.AddMaintenanceParams{Host: "h1", Starts: at(-time.Hour), Ends: at(time.Hour), Reason: "new disks"})
	id := sleepTask(t, h)
	require.NoError(t, h.Sched.Round(t.Context()))
	why := must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: id})
	require.Equal(t, "no-ready-host", why.Wait.Code, "h2 is not ready")
	require.Contains(t, why.Wait.Reason, "1 in maintenance until ")
	require.Equal(t, "maintenance", why.Hosts[0].Code)
	require.Contains(t, why.Hosts[0].Detail, ": new disks")
	require.Equal(t, now, must(t, t.Context(), h, api.GetHostStatus, api.NoParams{})[0].Maintenance.ID)

	require.True(t, must(t, admin, h, api.RemoveMaintenance, api.RemoveMaintenanceParams{ID: now}))
	require.False(t, must(t, admin, h, api.RemoveMaintenance, api.RemoveMaintenanceParams{ID: now}))
	list := must(t, t.Context(), h, api.GetMaintenances, api.MaintenancesParams{Host: "h1"})
	require.Len(t, list, 1)
	require.Equal(t, later, list[0].ID)
	require.Empty(t, must(t, t.Context(), h, api.GetMaintenances, api.MaintenancesParams{Host: "h2"}))

	_, err := h.Store.Exec(t.Context(), `INSERT INTO toji.task_duration (method, arch, seconds, samples) VALUES ('sleep', 'noarch', 7300, 1)`)
	require.NoError(t, err)
	require.NoError(t, h.Sched.Round(t.Context()))
	require.Equal(t, "maintenance", must(t, t.Context(), h, api.GetWhy, api.TaskIDParams{TaskID: id}).Wait.Code, "it would not end in time")
	_, err = h.Store.Exec(t.Context(), `UPDATE toji.task_duration SET seconds = 7100`)
	require.NoError(t, err)
	require.NoError(t, h.Sched.Round(t.Context()))
	require.Equal(t, koji.TaskAssigned, stateOf(t, h, id))

	for _, p := range []api.AddMaintenanceParams{
		{Host: "h1", Starts: at(time.Hour), Ends: at(time.Minute)}, {Host: "h1", Starts: at(-2 * time.Hour), Ends: at(-time.Hour)},
	} {
		refused(t, admin, h, api.AddMaintenance, p, koji.FaultParameter, "Maintenance must end after its beginning and after now")
	}
	refused(t, admin, h, api.AddMaintenance, api.AddMaintenanceParams{Host: "h1", Starts: 1e300, Ends: 1e301}, koji.FaultParameter, "Invalid time of maintenance")
	refused(t, asLabuser(t), h, api.AddMaintenance, api.AddMaintenanceParams{Host: "h1"}, koji.FaultActionNotAllowed,
		"host permission required (logged in as labuser)")
}
