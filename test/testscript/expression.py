"""The part of FHIRPath that the scripts use, evaluated over nodes: paths, indexers, operators and a handful of functions. It is
written anew here, so that the program does not judge itself."""
import re

from node import Node

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)|(?P<word>\$?[A-Za-z_]\w*)|(?P<sign>!=|<=|>=|[.()\[\],=<>|&+~-]))")
LEVELS = [["or"], ["and"], ["=", "!=", "in", "contains"], ["<", ">", "<=", ">="], ["|"], ["&"]]


def tokens_of(text):
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError(f"cannot read {text!r} at {at}")
        tokens.append((found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return tokens + [("end", "")]


class Parser:
    def __init__(self, text):
        self.tokens, self.at = tokens_of(text), 0

    def peek(self):
        return self.tokens[self.at][1]

    def take(self, wanted=None):
        kind, text = self.tokens[self.at]
        if wanted is not None and text != wanted:
            raise ValueError(f"expected {wanted!r}, found {text!r}")
        self.at += 1
        return kind, text

    def whole(self):
        tree = self.level(0)
        self.take("")
        return tree

    def level(self, number):
        if number == len(LEVELS):
            return self.path()
        left = self.level(number + 1)
        while self.peek() in LEVELS[number] and self.tokens[self.at][0] in ("word", "sign"):
            left = ("operator", self.take()[1], left, self.level(number + 1))
        return left

    def path(self):
        tree = self.term()
        while self.peek() in (".", "["):
            if self.take()[1] == ".":
                tree = self.step(tree)
            else:
                tree = ("index", tree, int(self.take()[1]))
                self.take("]")
        return tree

    def term(self):
        kind, text = self.tokens[self.at]
        if kind == "text":
            self.take()
            return ("literal", re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "number" or text in ("true", "false"):
            self.take()
            return ("literal", text)
        if text == "(":
            self.take()
            tree = self.level(0)
            self.take(")")
            return tree
        if text == "$this":
            self.take()
            return ("this",)
        return self.step(("this",))

    def step(self, tree):
        kind, name = self.take()
        if kind != "word":
            raise ValueError(f"expected a name, found {name!r}")
        if self.peek() != "(":
            return ("child", tree, name)
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.level(0))
            if self.peek() == ",":
                self.take()
        self.take(")")
        return ("call", tree, name, arguments)


def value_of(item):
    return item.value if isinstance(item, Node) else item



def is_true(items):
    return len(items) > 0 and value_of(items[0]) != "false"


def boolean(value):
    return ["true" if value else "false"]


def same(a, b):
    if isinstance(a, Node) and a.value is None:
        return isinstance(b, Node) and len(a.children) == len(b.children) and all(x.name == y.name and same(x, y) for x, y in zip(a.children, b.children))
    return value_of(a) == value_of(b)


def ordered(a, b):
    a, b = value_of(a), value_of(b)
    try:
        return (float(a) > float(b)) - (float(a) < float(b))
    except ValueError:
        return (a > b) - (a < b)


def operate(sign, left, right):
    if sign == "and":
        return boolean(is_true(left) and is_true(right))
    if sign == "or":
        return boolean(is_true(left) or is_true(right))
    if sign == "|":
        return left + [r for r in right if not any(same(r, l) for l in left)]
    if sign == "&":
        return ["".join(str(value_of(i)) for i in left[:1] + right[:1])]
    if sign in ("in", "contains"):
        one, many = (left, right) if sign == "in" else (right, left)
        return boolean(any(same(one[0], m) for m in many)) if one else []
    if not left or not right:
        return []
    if sign in ("=", "!="):
        equal = len(left) == len(right) and all(same(a, b) for a, b in zip(left, right))
        return boolean(equal == (sign == "="))
    order = ordered(left[0], right[0])
    return boolean({"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0}[sign])


def text_argument(arguments, items):
    return value_of(evaluate(arguments[0], items)[0])


FUNCTIONS = {
    "exists": lambda items, a: boolean(any(is_true(evaluate(a[0], [i])) for i in items) if a else len(items) > 0),
    "empty": lambda items, a: boolean(not items),
    "count": lambda items, a: [str(len(items))],
    "first": lambda items, a: items[:1],
    "last": lambda items, a: items[-1:],
    "not": lambda items, a: boolean(not is_true(items)) if items else [],
    "where": lambda items, a: [i for i in items if is_true(evaluate(a[0], [i]))],
    "all": lambda items, a: boolean(all(is_true(evaluate(a[0], [i])) for i in items)),
    "select": lambda items, a: [r for i in items for r in evaluate(a[0], [i])],
    "distinct": lambda items, a: operate("|", [], items),
    "ofType": lambda items, a: [i for i in items if isinstance(i, Node) and i.resource_type == a[0][2]],
    "startsWith": lambda items, a: [r for i in items[:1] for r in boolean(value_of(i).startswith(text_argument(a, items)))],
    "endsWith": lambda items, a: [r for i in items[:1] for r in boolean(value_of(i).endswith(text_argument(a, items)))],
    "contains": lambda items, a: [r for i in items[:1] for r in boolean(text_argument(a, items) in value_of(i))],
    "matches": lambda items, a: [r for i in items[:1] for r in boolean(re.search(text_argument(a, items), value_of(i)) is not None)],
    "replaceMatches": lambda items, a: [re.sub(value_of(evaluate(a[0], items)[0]), value_of(evaluate(a[1], items)[0]).replace("$", "\\"), value_of(i)) for i in items[:1]],
}


def evaluate(tree, items):
    kind = tree[0]
    if kind == "literal":
        return [tree[1]]
    if kind == "this":
        return items
    if kind == "child":
        found = evaluate(tree[1], items)
        if tree[1] == ("this",) and any(isinstance(i, Node) and i.resource_type == tree[2] for i in found):
            return found
        return [c for i in found if isinstance(i, Node) for c in i.named(tree[2])]
    if kind == "index":
        return evaluate(tree[1], items)[tree[2]:tree[2] + 1]
    if kind == "operator":
        return operate(tree[1], evaluate(tree[2], items), evaluate(tree[3], items))
    if tree[2] not in FUNCTIONS:
        raise ValueError(f"no function {tree[2]}()")
    return FUNCTIONS[tree[2]](evaluate(tree[1], items), tree[3])


def find(text, root):
    """The items that an expression finds, as nodes or text."""
    return evaluate(Parser(text).whole(), [root])
