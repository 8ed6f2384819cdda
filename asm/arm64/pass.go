package arm64

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// compile is avo's list of passes with those that know an architecture
// replaced.
var compile = pass.Concat(
	named(ends),
	named(pass.PruneJumpToFollowingLabel),
	named(pass.PruneDanglingLabels),
	named(pass.LabelTarget),
	named(pass.CFG),
	named(pass.Liveness),
	named(defined),
	named(allocate),
	named(frame),
	pass.Func(pass.IncludeTextFlagHeader),
	named(pass.RequiredISAExtensions),
)

// named is a pass over functions whose errors have the function's name.
func named(p func(*ir.Function) error) pass.Interface {
	return pass.FunctionPass(func(fn *ir.Function) error {
		if err := p(fn); err != nil {
			return fmt.Errorf("%s: %w", fn.Name, err)
		}
		return nil
	})
}

// ends checks that control does not run out of the function.
func ends(fn *ir.Function) error {
	is := fn.Instructions()
	if len(is) == 0 {
		return errors.New("no instructions")
	}
	if last := is[len(is)-1]; !last.IsTerminal && !last.IsUnconditionalBranch() {
		return fmt.Errorf("ends with %s, want RET or B", last.Opcode)
	}
	return nil
}

// defined checks that no register is read before it is written.
func defined(fn *ir.Function) error {
	is := fn.Instructions()
	for n, i := range is {
		for _, r := range i.InputRegisters() {
			if is[0].LiveIn[r.ID()] != 0 {
				return fmt.Errorf("%s, instruction %d, reads a %s register that is not written on every path to it",
					i.Opcode, n+1, kindNames[r.Kind()])
			}
		}
	}
	return nil
}

// allocate finds physical registers by avo's allocator, one for each kind, and
// spells the instructions with them.
func allocate(fn *ir.Function) error {
	allocators := map[reg.Kind]*pass.Allocator{}
	for k, rs := range allocatable {
		a, err := pass.NewAllocator(rs)
		if err != nil {
			return err
		}
		allocators[k] = a
	}
	for _, i := range fn.Instructions() {
		for _, r := range i.InputRegisters() {
			allocators[r.Kind()].Add(r.ID())
		}
		out := i.OutputRegisters()
		for n, d := range out {
			a := allocators[d.Kind()]
			a.Add(d.ID())
			live := i.LiveOut.OfKind(d.Kind())
			live.DiscardRegister(d)
			a.AddInterferenceSet(d, live)
			// What is written and never read is not live, but two results
			// need two registers all the same.
			for _, e := range out[:n] {
				if e.Kind() == d.Kind() && e.ID() != d.ID() {
					a.AddInterference(d.ID(), e.ID())
				}
			}
		}
		if low := lowRegister(i); low != nil {
			for _, p := range vectors[16:] {
				allocators[KindVec].AddInterference(low.ID(), p.ID())
			}
		}
	}
	fn.Allocation = reg.NewEmptyAllocation()
	for _, k := range []reg.Kind{KindGP, KindVec} {
		m, err := allocators[k].Allocate()
		if err != nil {
			return pressure(fn, k)
		}
		if err := fn.Allocation.Merge(m); err != nil {
			return err
		}
	}
	to := func(r reg.Register) reg.Register {
		id := fn.Allocation.LookupDefault(r.ID())
		if id.Kind() == KindGP {
			return generals[id.Index()]
		}
		return vectors[id.Index()]
	}
	for _, i := range fn.Instructions() {
		if err := bind(i, to); err != nil {
			return fmt.Errorf("%s: %w", i.Opcode, err)
		}
	}
	return nil
}

// lowRegister is the register that has to be one of V0 to V15, as elements of
// size h leave four bits for it, or nil.
func lowRegister(i *ir.Instruction) reg.Register {
	if len(i.Operands) == 0 {
		return nil
	}
	if in, ok := i.Operands[0].(*inst); ok {
		return in.low
	}
	return nil
}

// pressure says where most registers of a kind are live.
func pressure(fn *ir.Function, k reg.Kind) error {
	most, at := 0, 0
	is := fn.Instructions()
	for n, i := range is {
		live := i.LiveOut.OfKind(k)
		for _, r := range i.OutputRegisters() {
			if r.Kind() == k {
				live.AddRegister(r)
			}
		}
		if len(live) > most {
			most, at = len(live), n
		}
	}
	have := len(allocatable[k])
	if most > have {
		return fmt.Errorf("%d %s registers are live at instruction %d, %s, and there are %d",
			most, kindNames[k], at+1, is[at].Opcode, have)
	}
	err := fmt.Errorf("no %s registers found, with at most %d of %d live, at instruction %d, %s",
		kindNames[k], most, have, at+1, is[at].Opcode)
	low := map[reg.ID]bool{}
	for _, i := range is {
		if r := lowRegister(i); r != nil && k == KindVec {
			low[r.ID()] = true
		}
	}
	if len(low) > 0 {
		err = fmt.Errorf("%w; %d have to be among V0 to V15", err, len(low))
	}
	return err
}

// bind gives an instruction its physical registers and Go's spelling.
func bind(i *ir.Instruction, to func(reg.Register) reg.Register) error {
	for n, o := range i.Operands {
		switch o := o.(type) {
		case *inst:
			op, ops, err := o.spell(to)
			if err != nil {
				return err
			}
			i.Opcode, i.Operands = op, ops
			return nil
		case bindable:
			i.Operands[n] = bindable{o.bind(to)}
		}
	}
	if i.IsBranch {
		// The assembler wants the label last.
		i.Operands = slices.Concat(i.Operands[1:], i.Operands[:1])
	}
	return nil
}

// frame rounds the frame to what the assembler wants: with the link register's
// 8 bytes it is a multiple of 16.
func frame(fn *ir.Function) error {
	if n := fn.LocalSize; n > 0 {
		fn.LocalSize = (n+7)&^15 + 8
	}
	return nil
}
