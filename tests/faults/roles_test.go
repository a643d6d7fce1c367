package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
)

// Roles of this program beside running the tests.
const (
	roleTrap = "in the trap" // enter it and go on with roleWork
	roleWork = "at work"     // run an activity
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == roleTrap:
		err = enter(roleWork)
	case len(os.Args) == 2 && os.Args[1] == roleWork:
		err = work()
	default:
		testenv.Main(m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// order is an activity to run.
type order struct {
	DSN, Top string
	MailPort int
	Activity string
	Request  json.RawMessage
}

// outcome is what it came to.
type outcome struct {
	Result json.RawMessage
	Error  string
}

// run has a process of its own run an activity, which is killed at the nth write.
// The outcome is nil if it was.
func (o order) run(n int) (out *outcome, met []string, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, nil, err
	}
	var answer, words bytes.Buffer
	cmd := exec.Command("/proc/self/exe", roleTrap)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &answer, &words
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	met, err = hunt(cmd, o.Top, n)
	switch {
	case n > 0 && len(met) == n:
		return nil, met, nil
	case err != nil:
		return nil, met, fmt.Errorf("%w\n%s", err, words.String())
	}
	out = new(outcome)
	return out, met, json.Unmarshal(answer.Bytes(), out)
}

// work runs the activity that is ordered on stdin, as the system worker would.
func work() error {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return err
	}
	h, err := o.hub(context.Background())
	if err != nil {
		return err
	}
	method := reflect.ValueOf(&system.Activities{Hub: h}).MethodByName(o.Activity)
	if !method.IsValid() {
		return fmt.Errorf("there is no activity %s", o.Activity)
	}
	request := reflect.New(method.Type().In(1))
	if err := json.Unmarshal(o.Request, request.Interface()); err != nil {
		return err
	}
	returned := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), request.Elem()})
	var out outcome
	if err, failed := returned[len(returned)-1].Interface().(error); failed {
		out.Error = err.Error()
	} else if len(returned) == 2 {
		if out.Result, err = json.Marshal(returned[0].Interface()); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// hub opens the hub that the order is for.
func (o order) hub(ctx context.Context) (*hub.Hub, error) {
	c := config.Default()
	c.Hub.TopDir, c.Hub.EmailDomain = o.Top, "example.org"
	c.Mail = config.Mail{Host: "127.0.0.1", Port: o.MailPort, FromAddr: "koji@example.org"}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := database.Open(ctx, o.DSN, database.Options{Name: "faults", MaxConns: 4, Log: log})
	if err != nil {
		return nil, err
	}
	return hub.New(hub.Options{DB: db, Config: c, Log: log})
}
