package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// parseTemplates reads the template of each page, with the layout and the parts
// that pages share. Values are escaped by the template engine; no function
// returns HTML.
func (s *Site) parseTemplates() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(s.functions()).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	parsed := map[string]*template.Template{}
	for _, name := range templateNames() {
		t, err := shared.Clone()
		if err != nil {
			return nil, err
		}
		if parsed[name], err = t.ParseFS(templateFiles, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

// templateNames lists the templates of pages and that of errors.
func templateNames() []string {
	names := []string{"error"}
	for _, p := range pages {
		names = append(names, p.template)
	}
	return names
}

func (s *Site) functions() template.FuncMap {
	return template.FuncMap{
		"asset":      s.assets.url,
		"instant":    s.instant,
		"lasted":     s.lasted,
		"size":       size,
		"taskState":  taskState,
		"buildState": buildState,
		"shape":      shape,
		"plural":     plural,
		"filesURL":   s.filesURL,
		"tagURL":     tagURL,
	}
}

// assets are the files of static/ by name.
type assets map[string]asset

type asset struct {
	text        []byte
	contentType string
	hash        string
}

func loadAssets() (assets, error) {
	all := assets{}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		all[strings.TrimPrefix(name, "static/")] = asset{text, mime.TypeByExtension(path.Ext(name)), hex.EncodeToString(sum[:6])}
		return nil
	})
	return all, err
}

// url returns where an asset is served; the address changes with its content.
func (a assets) url(name string) (string, error) {
	file, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no asset %s", name)
	}
	return "/static/" + name + "?v=" + file.hash, nil
}

func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request) {
	file, ok := s.assets[strings.TrimPrefix(r.PathValue("name"), "/")]
	if !ok {
		s.serveNoRoute(w, r)
		return
	}
	w.Header().Set("Content-Type", file.contentType)
	if r.URL.Query().Get("v") == file.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(file.text) // the browser is gone
}
