package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// submit makes a task of any type that the hub has: the arguments and options of
// the command line are the parameters that the hub's declaration of the type has.
func submit(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "submit <type> [<argument> ...] [options]",
		Short: "Make a task of a type, by its declaration",
		Long: "Make a task of a type, such as one that your site has added. `toji list-task-types` lists the types of the hub,\n" +
			"`toji submit TYPE --help` explains the arguments and options that one has.",
		Example:            "  toji submit countLines notes.txt --max 10 --watch\n  toji submit countLines --help",
		GroupID:            building,
		DisableFlagParsing: true, // the hub knows which there are
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("Please specify the type of the task")
			case args[0] == "--help" || args[0] == "-h":
				return cmd.Help()
			case strings.HasPrefix(args[0], "-"):
				return usagef("the type of the task comes first, not %s", args[0])
			}
			t, err := a.taskType(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.submission(t).execute(cmd.Context(), args[1:])
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.completion(a.taskTypeNames)(cmd, args, prefix)
			}
			if !strings.HasPrefix(prefix, "-") {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return a.completion(func(ctx context.Context) ([]string, error) { return a.optionsOf(ctx, args[0]) })(cmd, args, prefix)
		},
	}
	return cmd
}

// taskType asks the hub for the type of the name.
func (a *app) taskType(ctx context.Context, name string) (api.TaskType, error) {
	list, err := a.findTaskTypes(ctx)
	if err != nil {
		return api.TaskType{}, err
	}
	i := slices.IndexFunc(list, func(t api.TaskType) bool { return t.Name == name })
	if i < 0 {
		return api.TaskType{}, failuref("The hub has no task type %s\n`%s list-task-types` lists them.", name, program())
	}
	return list[i], nil
}

// optionsOf lists the options of a type, for the shell.
func (a *app) optionsOf(ctx context.Context, name string) (list []string, err error) {
	t, err := a.taskType(ctx, name)
	if err != nil {
		return nil, err
	}
	a.submission(t).cmd.Flags().VisitAll(func(f *pflag.Flag) { list = append(list, "--"+f.Name+"\t"+strings.ReplaceAll(f.Usage, "`", "")) })
	return list, nil
}

// submission is the command that makes tasks of one type.
type submission struct {
	*app
	cmd      *cobra.Command
	method   string
	required []task.Param
	given    []*paramValue // the optional ones that have an option
	watch    bool
	// What the maker of any task may choose; nil unless given.
	channel, arch *string
	priority      *int64
}

func (a *app) submission(t api.TaskType) *submission {
	s := &submission{app: a, method: t.Name}
	names := ""
	for _, p := range t.Params {
		if p.Required {
			s.required = append(s.required, p)
			names += " <" + p.Name + ">"
		}
	}
	s.cmd = &cobra.Command{
		Use:           program() + " submit " + t.Name + names + " [options]",
		Long:          t.Title + s.explain(t),
		SilenceErrors: true, SilenceUsage: true, DisableFlagsInUseLine: true,
		Args: nargs(len(s.required), len(s.required), fmt.Sprintf("Usage: submit %s%s [options]", t.Name, names)),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), args) },
	}
	s.cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%s: %w", t.Name, err) })
	s.cmd.SetOut(a.Stdout)
	s.cmd.SetErr(a.Stderr)
	s.addFlags(t)
	return s
}

// explain says what stands for the required parameters, who may make tasks of the
// type, and what comes of them.
func (s *submission) explain(t api.TaskType) string {
	text := "."
	if len(s.required) > 0 {
		text += "\n\nArguments:"
	}
	for _, p := range s.required {
		text += strings.TrimRight(fmt.Sprintf("\n  %-16s %-8s %s", p.Name, p.Kind, p.Doc), " ")
	}
	if len(t.Result) > 0 {
		text += "\n\nResult:"
	}
	for _, m := range t.Result {
		text += strings.TrimRight(fmt.Sprintf("\n  %-16s %-8s %s", m.Name, m.Kind, m.Doc), " ")
	}
	return text + "\n\nFor " + makers(t.Permission) + "."
}

// makers says who may make tasks of a type.
func makers(permission string) string {
	switch permission {
	case "":
		return "admins"
	case task.AnyUser:
		return "every user"
	}
	return "users with the permission " + permission
}

// addFlags adds an option for each optional parameter, and those that all types
// have. A parameter goes before one of these that has its name.
func (s *submission) addFlags(t api.TaskType) {
	fs := s.cmd.Flags()
	fs.SortFlags = false
	for _, p := range t.Params {
		if p.Required || strings.HasPrefix(p.Name, "*") {
			continue
		}
		v := &paramValue{Param: p}
		s.given = append(s.given, v)
		f := fs.VarPF(v, strings.ReplaceAll(p.Name, "_", "-"), "", strings.TrimSpace(p.Doc+" (default "+cmp.Or(p.Default, "None")+")"))
		if p.Kind == rpc.KindFlag {
			f.NoOptDefVal = "True"
		}
	}
	free := func(name string) bool { return fs.Lookup(name) == nil }
	if free("channel") {
		optionalText(fs, &s.channel, "channel", "ask for a `channel`")
	}
	if free("arch") {
		optionalText(fs, &s.arch, "arch", "for hosts of this `arch`")
	}
	if free("priority") {
		optionalInt(fs, &s.priority, "priority", "a higher number goes later; 20 is usual")
	}
	if free("watch") {
		fs.BoolVar(&s.watch, "watch", false, "watch the task, and print its result")
	}
	if free("json") {
		jsonFlag(s.cmd)
	}
}

func (s *submission) execute(ctx context.Context, args []string) error {
	s.cmd.SetArgs(append([]string{}, args...))
	return s.cmd.ExecuteContext(ctx)
}

func (s *submission) run(ctx context.Context, args []string) error {
	var list []any
	for i, p := range s.required {
		v, err := readParam(p, args[i])
		if err != nil {
			return usagef("%s: %w", p.Name, err)
		}
		list = append(list, v)
	}
	h, err := s.login(ctx)
	if err != nil {
		return err
	}
	for i, p := range s.required {
		if list[i], err = s.send(ctx, h, p, list[i]); err != nil {
			return err
		}
	}
	kw := map[string]any{}
	for _, p := range s.given {
		if p.set {
			if kw[p.Name], err = s.send(ctx, h, p.Param, p.value); err != nil {
				return err
			}
		}
	}
	if len(kw) > 0 {
		list = append(list, xmlrpc.Keywords(kw))
	}
	id, err := rpc.Invoke(ctx, h, api.MakeTask, api.ArgsParams{Args: []any{s.method, list}, Opts: s.options()})
	if err != nil {
		return err
	}
	return s.tell(ctx, h, id)
}

func (s *submission) options() map[string]any {
	opts := map[string]any{}
	if s.channel != nil {
		opts["channel"] = *s.channel
	}
	if s.arch != nil {
		opts["arch"] = *s.arch
	}
	if s.priority != nil {
		opts["priority"] = *s.priority
	}
	return opts
}

// send uploads a file that is the user's, and returns its path at the hub. Any
// other value stays what it is.
func (s *submission) send(ctx context.Context, h *hub, p task.Param, v any) (any, error) {
	file, isText := v.(string)
	if p.Kind != rpc.KindFile || !isText || !isFile(file) {
		return v, nil
	}
	dir := s.uniquePath("cli-build")
	if err := h.UploadFile(ctx, file, dir, "", client.UploadOptions{Overwrite: true}); err != nil {
		return nil, err
	}
	return dir + "/" + filepath.Base(file), nil
}

// submitted is what submit prints as JSON.
type submitted struct {
	TaskID int64 `rpc:"task_id"`
	Result any   `rpc:"result,omitempty"` // of a task that was watched
}

func (s *submission) tell(ctx context.Context, h *hub, id int64) error {
	made := submitted{TaskID: id}
	if wantsJSON(s.cmd) {
		s.global.quiet = true
	}
	if !s.global.quiet {
		printf(s.Stdout, "Created task: %d\nTask info: %s\n", id, webPage(h.profile, fmt.Sprint("taskinfo?taskID=", id)))
	}
	if s.watch {
		if err := s.app.watch(ctx, h, id); err != nil {
			return err
		}
		var err error
		if made.Result, err = rpc.Invoke(ctx, h, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true}); err != nil {
			return err
		}
	}
	return s.show(s.cmd, made, func(w io.Writer) {
		if s.watch && made.Result != nil {
			printf(w, "Result: %s\n", pformat(made.Result))
		}
	})
}

// paramValue is the option for a parameter.
type paramValue struct {
	task.Param
	value any
	set   bool
}

func (v *paramValue) String() string { return "" }

// Type names the kind of value in the help.
func (v *paramValue) Type() string { return string(v.Kind) }

// Set reads the value. Texts may be given one by one.
func (v *paramValue) Set(text string) error {
	read, err := readParam(v.Param, text)
	if err != nil {
		return err
	}
	if before, ok := v.value.([]any); ok && v.Kind == rpc.KindTexts {
		read = append(before, read.([]any)...)
	}
	v.value, v.set = read, true
	return nil
}

// readParam reads a parameter from the command line, by its kind.
func readParam(p task.Param, text string) (any, error) {
	switch p.Kind {
	case rpc.KindText, rpc.KindFile:
		return text, nil
	case rpc.KindInteger:
		return parseInt(text)
	case rpc.KindNumber:
		return parseFloat(text)
	case rpc.KindTexts:
		list := []any{}
		for _, item := range strings.Split(text, ",") {
			list = append(list, item)
		}
		return list, nil
	case rpc.KindFlag:
		switch strings.ToLower(text) {
		case "true", "yes", "1":
			return true, nil
		case "false", "no", "0":
			return false, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	case rpc.KindList, rpc.KindStruct:
		return parsePython(text)
	}
	if v, err := parsePython(text); err == nil {
		return v, nil
	}
	return text, nil
}
