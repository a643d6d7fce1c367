package rpc

import (
	"fmt"
	"strconv"
	"strings"
)

// parseLiteral returns the value of a Python literal: None, True, False, a
// number, a string without escapes, or an empty list, tuple or dictionary.
func parseLiteral(text string) (any, error) {
	switch text {
	case "None":
		return nil, nil
	case "True":
		return true, nil
	case "False":
		return false, nil
	case "[]", "()":
		return []any{}, nil
	case "{}":
		return map[string]any{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, nil
	}
	if len(text) >= 2 && text[0] == text[len(text)-1] && (text[0] == '\'' || text[0] == '"') {
		inner := text[1 : len(text)-1]
		if !strings.ContainsAny(inner, text[:1]+`\`) {
			return inner, nil
		}
	}
	return nil, fmt.Errorf("bad default %q", text)
}
