package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindHostScratch(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostMoveMavenToScratch, h.hostMoveMavenToScratch)
	rpc.Bind(r, api.HostMoveWinToScratch, h.hostMoveWinToScratch)
	rpc.Bind(r, api.HostMoveImageToScratch, h.hostMoveImageToScratch)
}

// taskOfOutput returns the task whose output a file below work/ is.
func taskOfOutput(rel string) (int64, bool) {
	parts := strings.SplitN(rel, "/", 4)
	if len(parts) < 4 || parts[0] != "tasks" {
		return 0, false
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	return id, err == nil && strings.HasPrefix(rel, koji.PathInfo{}.TaskRel(id)+"/")
}

// scratchMove moves the output of a task's subtasks to the scratch directory of
// its owner.
type scratchMove struct {
	h      *Hub
	taskID int64
	owner  string
	filing filing
	moves  [][2]string
}

func (h *Hub) newScratchMove(ctx context.Context, taskID int64) (*scratchMove, error) {
	if _, err := h.AssertTaskHost(ctx, taskID); err != nil {
		return nil, err
	}
	t, err := h.Store.TaskForWorkflow(ctx, taskID)
	return &scratchMove{h: h, taskID: taskID, owner: t.Owner, filing: filing{work: h.Paths.Work("")}}, err
}

// add adds files of a task to a place in the directory of a task.
func (s *scratchMove) add(ctx context.Context, from, dir int64, place string, files ...string) error {
	output, err := s.h.outputBelow(ctx, from, s.taskID)
	if err != nil {
		return err
	}
	for _, rel := range files {
		to, err := koji.Under(s.h.Paths.Scratch(), s.owner+fmt.Sprintf("/task_%d/", dir)+path.Join(place, rel))
		if err == nil {
			_, err = s.filing.source(output+"/"+rel, to)
		}
		if err != nil {
			return err
		}
		s.moves = append(s.moves, [2]string{output + "/" + rel, to})
	}
	return nil
}

// addRPMs adds RPMs that wrap the other files, if there are any.
func (s *scratchMove) addRPMs(ctx context.Context, dir int64, w *api.WrapperRPMs) error {
	if w == nil || w.SRPM == "" {
		return nil
	}
	return s.add(ctx, w.TaskID, dir, "rpms", slices.Concat([]string{w.SRPM}, w.RPMs, w.Logs)...)
}

func (s *scratchMove) run() error {
	for _, m := range s.moves {
		if err := s.filing.move(m[0], m[1]); err != nil {
			return errors.Join(err, s.filing.undo())
		}
	}
	return nil
}

func (h *Hub) hostMoveMavenToScratch(ctx context.Context, p api.MoveMavenToScratchParams) (rpc.None, error) {
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	s, err := h.newScratchMove(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	files := slices.Clone(p.Results.Logs)
	for dir, names := range p.Results.Files {
		for _, name := range names {
			files = append(files, path.Join(dir, name))
		}
	}
	if err := s.add(ctx, p.Results.TaskID, p.TaskID, "", files...); err != nil {
		return rpc.None{}, err
	}
	if err := s.addRPMs(ctx, p.TaskID, p.RPMs); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.run()
}

func (h *Hub) hostMoveWinToScratch(ctx context.Context, p api.MoveWinToScratchParams) (rpc.None, error) {
	if !h.Config.EnableWin {
		return rpc.None{}, errNoWin
	}
	s, err := h.newScratchMove(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	files := slices.AppendSeq(slices.Clone(p.Results.Logs), maps.Keys(p.Results.Output))
	if err := s.add(ctx, p.Results.TaskID, p.TaskID, "", files...); err != nil {
		return rpc.None{}, err
	}
	if err := s.addRPMs(ctx, p.TaskID, p.RPMs); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, s.run()
}

// hostMoveImageToScratch moves images; those of each subtask have a directory of
// their own.
func (h *Hub) hostMoveImageToScratch(ctx context.Context, p api.MoveImageToScratchParams) (rpc.None, error) {
	s, err := h.newScratchMove(ctx, p.TaskID)
	if err != nil {
		return rpc.None{}, err
	}
	for _, r := range p.Results {
		if r.TaskID == nil {
			continue
		}
		if err := s.add(ctx, *r.TaskID, *r.TaskID, "", slices.Concat(r.Files, r.Logs)...); err != nil {
			return rpc.None{}, err
		}
		if err := s.addRPMs(ctx, *r.TaskID, r.RPMs); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, s.run()
}
