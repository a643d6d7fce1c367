package rpc

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Decode fills the parameter struct that dst points to from the arguments of a
// call or of a task request. Its errors are Koji's ParameterErrors.
func Decode(args []any, kw map[string]any, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("decode arguments: want a pointer to a struct, not %T", dst)
	}
	// Koji: the function that runs a task is called handler.
	return planOf(v.Type().Elem()).decode("handler", args, kw, v.Elem())
}

// Defaults returns a P in which the optional parameters have their defaults.
func Defaults[P any]() P {
	var p P
	v := reflect.ValueOf(&p).Elem()
	for _, param := range planOf(v.Type()).named {
		if param.Optional {
			_ = convert(v.FieldByIndex(param.index), param.fresh()) // tried when the plan was made
		}
	}
	return p
}

// Encode returns the arguments of a call from a parameter struct (or a pointer
// to one), all of decoded types: every parameter by its position, and the rest of
// the keyword arguments as a last struct. A nil pointer, map or slice in an optional
// parameter stands for its default.
func Encode(p any) ([]any, error) { return encode(p, false) }

// EncodeShort is Encode without the trailing optional parameters that equal
// their defaults.
func EncodeShort(p any) ([]any, error) { return encode(p, true) }

func encode(p any, short bool) ([]any, error) {
	v := reflect.Indirect(reflect.ValueOf(p))
	plan := planOf(v.Type())
	args := make([]any, 0, len(plan.params))
	needed := 0
	for i, param := range plan.named {
		field := v.FieldByIndex(param.index)
		arg, err := xmlrpc.Plain(field.Interface())
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", param.Name, err)
		}
		if param.Optional && unset(field) {
			arg = param.fresh()
		}
		if !param.Optional || !reflect.DeepEqual(arg, param.Default) {
			needed = i + 1
		}
		args = append(args, arg)
	}
	rest, opts, err := plan.rest(v)
	if err != nil {
		return nil, err
	}
	if short && len(rest) == 0 {
		args = args[:needed]
	}
	args = append(args, rest...)
	if len(opts) > 0 {
		args = append(args, xmlrpc.Keywords(opts))
	}
	return args, nil
}

// unset reports whether a field of an optional parameter was left alone. An
// interface that is nil may be None on purpose.
func unset(field reflect.Value) bool {
	switch field.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return field.IsNil()
	}
	return false
}

// rest returns the arguments that v holds beside its named parameters.
func (p *plan) rest(v reflect.Value) (args []any, opts map[string]any, err error) {
	if p.args != nil {
		plain, err := xmlrpc.Plain(v.FieldByIndex(p.args).Interface())
		if err != nil {
			return nil, nil, err
		}
		args = plain.([]any)
	}
	if p.opts != nil {
		plain, err := xmlrpc.Plain(v.FieldByIndex(p.opts).Interface())
		if err != nil {
			return nil, nil, err
		}
		opts = plain.(map[string]any)
	}
	return args, opts, nil
}

// fresh returns the default, not shared with anyone.
func (p Param) fresh() any {
	switch p.Default.(type) {
	case []any:
		return []any{}
	case map[string]any:
		return map[string]any{}
	}
	return p.Default
}

// decode fills dst like a call of a Python function with these parameters; the
// faults are Python's, in the order in which Python looks for them.
func (p *plan) decode(function string, args []any, kw map[string]any, dst reflect.Value) error {
	if err := p.checkKeywords(function, len(args), kw); err != nil {
		return err
	}
	if len(args) > len(p.named) {
		if p.args == nil {
			return p.tooMany(function, len(args))
		}
		dst.FieldByIndex(p.args).Set(reflect.ValueOf(args[len(p.named):]))
	}
	if err := p.checkMissing(function, len(args), kw); err != nil {
		return err
	}
	for i, param := range p.named {
		v, given := kw[param.Name]
		switch {
		case i < len(args):
			v = args[i]
		case !given:
			v = param.fresh()
		}
		if err := param.set(dst.FieldByIndex(param.index), v); err != nil {
			return err
		}
	}
	p.setKeywords(kw, dst)
	return nil
}

func (p *plan) checkKeywords(function string, given int, kw map[string]any) error {
	for name := range kw {
		i, known := p.byName[name]
		switch {
		case known && i < given:
			return koji.ParameterErrorf("%s() got multiple values for argument '%s'", function, name)
		case !known && p.opts == nil:
			return koji.ParameterErrorf("%s() got an unexpected keyword argument '%s'", function, name)
		}
	}
	return nil
}

func (p *plan) checkMissing(function string, given int, kw map[string]any) error {
	var missing []string
	for i, param := range p.named {
		if _, named := kw[param.Name]; i >= given && !named && !param.Optional {
			missing = append(missing, "'"+param.Name+"'")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return koji.ParameterErrorf("%s() missing %d required positional argument%s: %s",
		function, len(missing), plural(len(missing)), enumerate(missing))
}

func (p *plan) tooMany(function string, given int) error {
	// Koji: methods of a class count their instance.
	self := 0
	if strings.Contains(function, ".") {
		self = 1
	}
	given += self
	least, most := p.required+self, len(p.named)+self
	takes := fmt.Sprintf("%d positional argument%s", most, plural(most))
	if least < most {
		takes = fmt.Sprintf("from %d to %d positional arguments", least, most)
	}
	verb := "were"
	if given == 1 {
		verb = "was"
	}
	return koji.ParameterErrorf("%s() takes %s but %d %s given", function, takes, given, verb)
}

// set gives a parameter its argument.
func (p Param) set(field reflect.Value, v any) error {
	if v == nil && !p.Optional && !nilable(field.Type()) {
		return koji.ParameterErrorf("Invalid type, expected type <class '%s'>", className(field.Type()))
	}
	if err := convert(field, v); err != nil {
		return koji.ParameterErrorf("%w", err) // Koji: without the parameter's name
	}
	return nil
}

// setKeywords collects the keyword arguments that no parameter is named for.
func (p *plan) setKeywords(kw map[string]any, dst reflect.Value) {
	if p.opts == nil {
		return
	}
	opts := make(map[string]any, len(kw))
	for name, v := range kw {
		if _, known := p.byName[name]; !known {
			opts[name] = v
		}
	}
	dst.FieldByIndex(p.opts).Set(reflect.ValueOf(opts))
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// enumerate joins names as Python's messages do.
func enumerate(names []string) string {
	switch n := len(names); n {
	case 1:
		return names[0]
	case 2:
		return names[0] + " and " + names[1]
	default:
		return strings.Join(names[:n-1], ", ") + ", and " + names[n-1]
	}
}
