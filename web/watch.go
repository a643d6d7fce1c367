package web

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// bell wakes those who wait for something to happen. That it rang says nothing
// but to look; rings that nobody has answered yet are one.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

// listen returns a channel that receives when the bell rings, until stop.
func (b *bell) listen() (rings <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = map[chan struct{}]struct{}{}
	}
	b.listeners[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (b *bell) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.listeners) == 0
}

// watcher rings when something in a directory changes. All streams share one
// watch of the kernel's, of which a user may have few; there is none while
// nobody follows a log.
type watcher struct {
	mu     sync.Mutex
	notify *fsnotify.Watcher // nil while no directory is watched
	dirs   map[string]*bell
}

// watch returns a channel that receives when something in dir changes, until
// stop is called. The error is fs.ErrNotExist if there is no such directory.
func (w *watcher) watch(dir string) (rings <-chan struct{}, stop func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notify == nil {
		if err := w.start(); err != nil {
			return nil, nil, err
		}
	}
	if err := w.notify.Add(dir); err != nil { // again, if it is watched: it may be a new one
		w.release(dir)
		return nil, nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	b := w.dirs[dir]
	if b == nil {
		b = &bell{}
		w.dirs[dir] = b
	}
	rings, quit := b.listen()
	return rings, func() {
		quit()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.release(dir)
	}, nil
}

func (w *watcher) start() error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch directories: %w", err)
	}
	w.notify, w.dirs = notify, map[string]*bell{}
	go w.dispatch(notify)
	return nil
}

// release lets go of a directory that nobody listens to any more, and of the
// kernel's watch with the last.
func (w *watcher) release(dir string) {
	if b := w.dirs[dir]; b != nil && b.empty() {
		delete(w.dirs, dir)
		_ = w.notify.Remove(dir) // it may be gone
	}
	if len(w.dirs) == 0 && w.notify != nil {
		_ = w.notify.Close() // ends dispatch
		w.notify = nil
	}
}

func (w *watcher) dispatch(notify *fsnotify.Watcher) {
	for {
		select {
		case e, ok := <-notify.Events:
			if !ok {
				return
			}
			w.ring(e.Name, filepath.Dir(e.Name))
		case err, ok := <-notify.Errors:
			if !ok {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				w.ring()
			}
		}
	}
}

// ring rings for the directories, or for all if none are named.
func (w *watcher) ring(dirs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(dirs) == 0 {
		for _, b := range w.dirs {
			b.ring()
		}
	}
	for _, dir := range dirs {
		if b := w.dirs[dir]; b != nil {
			b.ring()
		}
	}
}

// watchNearest watches dir, or, while there is no such directory, the nearest
// one above it: that rings when the next one on the way is made.
func (w *watcher) watchNearest(dir string) (watched string, rings <-chan struct{}, stop func(), err error) {
	for watched = dir; ; {
		rings, stop, err = w.watch(watched)
		if errors.Is(err, os.ErrNotExist) && watched != filepath.Dir(watched) {
			watched = filepath.Dir(watched)
			continue
		}
		if err != nil || watched == dir {
			return watched, rings, stop, err
		}
		// What was made before the watch began has rung for nobody.
		next := watched
		for parent := dir; parent != watched; parent = filepath.Dir(parent) {
			next = parent
		}
		if _, err := os.Stat(next); err != nil {
			return watched, rings, stop, nil
		}
		stop()
		watched = dir
	}
}
