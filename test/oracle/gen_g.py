# (g) the 12 binary operations of Power et al. (arXiv 2201.02177, appendix A.1.1), as listed in write-up 1
import hashlib, itertools, json, os
OUT = os.path.dirname(os.path.abspath(__file__))
def ops(p):
    inv = [0] + [pow(b, -1, p) for b in range(1, p)]
    return {   # name: (fn, b_start)   domain: a in 0..p-1, b in b_start..p-1   (the paper writes "0 <= a,b < p" and "0 < b < p" for division)
     'x+y': (lambda a, b: (a + b) % p, 0), 'x-y': (lambda a, b: (a - b) % p, 0), 'x/y': (lambda a, b: a * inv[b] % p, 1),
     'x/y if y odd else x-y': (lambda a, b: a * inv[b] % p if b % 2 else (a - b) % p, 0),
     'x^2+y^2': (lambda a, b: (a*a + b*b) % p, 0), 'x^2+xy+y^2': (lambda a, b: (a*a + a*b + b*b) % p, 0),
     'x^2+xy+y^2+x': (lambda a, b: (a*a + a*b + b*b + a) % p, 0), 'x^3+xy': (lambda a, b: (a**3 + a*b) % p, 0),
     'x^3+xy^2+y': (lambda a, b: (a**3 + a*b*b + b) % p, 0)}
def csv(p, f, b0): return ''.join(f'{a},{b},{f(a, b)}\n' for a in range(p) for b in range(b0, p))
J = {'csv': '"a,b,c\\n" per row, no header, a-major (outer loop a, inner loop b), decimal, LF; sha256 of the utf-8 bytes', 'modular': {}, 'S5': {}}
for p in (7, 13, 97, 113):
    for n, (f, b0) in ops(p).items():
        t = csv(p, f, b0); e = {'rows': t.count('\n'), 'b_start': b0, 'sha256': hashlib.sha256(t.encode()).hexdigest()}
        if p == 7: e['table'] = [[a, b, f(a, b)] for a in range(p) for b in range(b0, p)]
        e['distinct_c'] = len({r.split(',')[2] for r in t.split()})
        e['commutative'] = b0 == 0 and all(f(a, b) == f(b, a) for a in range(p) for b in range(p))
        J['modular'].setdefault(str(p), {})[n] = e
E5 = list(itertools.permutations(range(5))); ix = {e: i for i, e in enumerate(E5)}
# element g is the tuple (g(0),...,g(4)).  compose(a,b) = a∘b : i -> a[b[i]]   (b applied first)
comp = lambda a, b: tuple(a[b[i]] for i in range(5))
def inv(a):
    r = [0] * 5
    for i, v in enumerate(a): r[v] = i
    return tuple(r)
S = {'x*y': lambda a, b: comp(a, b), 'x*y*x^-1': lambda a, b: comp(comp(a, b), inv(a)), 'x*y*x': lambda a, b: comp(comp(a, b), a)}
J['S5']['order'] = 'itertools.permutations(range(5)): lexicographic, index 0 = identity (0,1,2,3,4), index 119 = (4,3,2,1,0)'
J['S5']['convention'] = '(a*b)(i) = a[b[i]] : b is applied first'; J['S5']['elements'] = [list(e) for e in E5]; J['S5']['inverse_index'] = [ix[inv(e)] for e in E5]; J['S5']['ops'] = {}
for n, f in S.items():
    rows = [(i, j, ix[f(a, b)]) for i, a in enumerate(E5) for j, b in enumerate(E5)]
    t = ''.join(f'{a},{b},{c}\n' for a, b, c in rows)
    alt = ''.join(f'{i},{j},{ix[{"x*y": lambda a, b: comp(b, a), "x*y*x^-1": lambda a, b: comp(inv(a), comp(b, a)), "x*y*x": lambda a, b: comp(comp(a, b), a)}[n](a, b)]}\n' for i, a in enumerate(E5) for j, b in enumerate(E5))
    J['S5']['ops'][n] = {'rows': len(rows), 'sha256': hashlib.sha256(t.encode()).hexdigest(), 'first200': [list(r) for r in rows[:200]], 'sha256_with_opposite_convention_(a_first)': hashlib.sha256(alt.encode()).hexdigest(), 'distinct_c': len({r[2] for r in rows})}
json.dump(J, open(f'{OUT}/g_operations.json', 'w'))
print(os.path.getsize(f'{OUT}/g_operations.json')); print({n: (e['rows'], e['distinct_c'], e['commutative'], e['sha256'][:12]) for n, e in J['modular']['97'].items()}); print({n: (e['rows'], e['distinct_c'], e['sha256'][:12]) for n, e in J['S5']['ops'].items()})
