package cli

import (
	"regexp"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// callOptions are those of call.
type callOptions struct {
	python, json, jsonInput, jsonOutput, bare bool
	kwargs                                    string
}

func call(a *app) *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call [options] <name> [<arg> ...]",
		Short: "Execute an arbitrary XML-RPC call",
		Long: "Execute an arbitrary XML-RPC call.\n\n<arg> values of the form NAME=VALUE are treated as keyword arguments.\n" +
			"Note, that you can use global option --noauth for anonymous calls here.",
		Example: "  toji call getTag f40\n  toji --noauth call --json-output listTags pattern='f40*'\n  toji call --python listTasks \"{'method': 'build'}\" \"{'limit': 5}\"",
		GroupID: misc,
		Args:    nargs(1, -1, "Please specify the name of the XML-RPC method"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.settle(); err != nil {
				return err
			}
			params, err := o.params(args[1:])
			if err != nil {
				return err
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			v, err := h.Call(cmd.Context(), args[0], params)
			if err != nil {
				return err
			}
			if o.jsonOutput {
				return writeJSON(a.Stdout, v)
			}
			return pprint(a.Stdout, v)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.python, "python", "p", false, "use python syntax for RPC parameter values")
	fs.StringVar(&o.kwargs, "kwargs", "", "specify keyword arguments as a dictionary (implies --python or --json-input)")
	fs.BoolVarP(&o.json, "json", "j", false, "use JSON syntax for input and output")
	fs.BoolVar(&o.jsonInput, "json-input", false, "use JSON syntax for input")
	fs.BoolVar(&o.jsonOutput, "json-output", false, "use JSON syntax for output")
	fs.BoolVarP(&o.bare, "bare-strings", "b", false, "treat invalid json/python as bare strings")
	return cmd
}

// settle makes the options agree.
func (o *callOptions) settle() error {
	o.jsonInput = o.jsonInput || o.json
	o.jsonOutput = o.jsonOutput || o.json
	if o.python && o.jsonInput {
		return usagef("The --python option conflicts with using --json-input")
	}
	if o.kwargs != "" && !o.jsonInput {
		o.python = true // Koji: implied
	}
	return nil
}

// keyword is an argument NAME=VALUE.
var keyword = regexp.MustCompile(`(?s)^([\p{L}_][\p{L}\p{N}_]*)=(.*)$`)

// params returns the parameters of the call.
func (o *callOptions) params(args []string) ([]any, error) {
	kw := map[string]any{}
	if o.kwargs != "" {
		v, err := o.value(o.kwargs)
		if err != nil {
			return nil, err
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, usagef("Invalid value: %s", xmlrpc.Repr(o.kwargs))
		}
		kw = m
	}
	params := []any{}
	for _, arg := range args {
		name, text := "", arg
		if m := keyword.FindStringSubmatch(arg); m != nil {
			name, text = m[1], m[2]
		}
		v, err := o.value(text)
		switch {
		case err != nil:
			return nil, err
		case name != "":
			kw[name] = v
		default:
			params = append(params, v)
		}
	}
	if len(kw) > 0 {
		params = append(params, xmlrpc.Keywords(kw))
	}
	return params, nil
}

// value reads one argument.
func (o *callOptions) value(text string) (v any, err error) {
	switch {
	case o.python:
		v, err = parsePython(text)
	case o.jsonInput:
		v, err = api.ParseJSON(text)
	default:
		return plainValue(text), nil
	}
	if err != nil && o.bare {
		return text, nil
	}
	if err != nil {
		return nil, usagef("Invalid value: %s (%w)", xmlrpc.Repr(text), err)
	}
	return v, nil
}
