package reference

import "testing"

func TestPhilox(t *testing.T) {
	for _, a := range Answers {
		if got := Philox(a.Counter, a.Key); got != a.Want {
			t.Errorf("counter %08x key %08x: got %08x, want %08x", a.Counter, a.Key, got, a.Want)
		}
	}
	words := PhiloxWords((CppIndex+3)/4, [4]uint32{}, [2]uint32{CppKey, 0})
	if got := words[CppIndex-1]; got != CppAnswer {
		t.Errorf("word %d of C++'s default engine is %d, want %d", CppIndex, got, CppAnswer)
	}
}
