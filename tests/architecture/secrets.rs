//! No secret is compared in a way whose duration reveals how much of it was right.

use syn::visit::{self, Visit};

use crate::source::File;

/// Comparisons of the text of a secret that do not use `subtle`.
pub(crate) fn compared(file: &File) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let mut reader = Reader { found: 0 };
    reader.visit_file(&syn::parse_file(&file.text).unwrap());
    let rule = "compares the text of a secret; use `ActiveSecrets::position` or `ct_eq`, which take constant time";
    vec![format!("{} {rule}", file.name); reader.found]
}

struct Reader {
    found: usize,
}

/// Methods that reveal more than whether the text is empty.
const COMPARING: [&str; 10] = [
    "eq",
    "ne",
    "cmp",
    "partial_cmp",
    "contains",
    "find",
    "matches",
    "strip_prefix",
    "strip_suffix",
    "eq_ignore_ascii_case",
];

impl<'a> Visit<'a> for Reader {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'a syn::ExprBinary) {
        let compares = matches!(binary.op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_));
        self.found += usize::from(compares && [&binary.left, &binary.right].into_iter().any(|side| exposes(side)));
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        let compares = COMPARING.contains(&call.method.to_string().as_str());
        // A search for a single character is used when a secret is read, not when it is compared.
        let by_character =
            matches!(call.args.first(), Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Char(_), .. })));
        let exposed = exposes(&call.receiver) || call.args.iter().any(exposes);
        self.found += usize::from(compares && !by_character && exposed);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_match(&mut self, expression: &'a syn::ExprMatch) {
        self.found += usize::from(exposes(&expression.expr));
        visit::visit_expr_match(self, expression);
    }
}

/// Whether an expression is the text of a secret, or derived from it, for example by `trim` or `as_bytes`.
fn exposes(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::MethodCall(call) if call.method == "len" => false,
        syn::Expr::MethodCall(call) => call.method == "expose_secret" || exposes(&call.receiver),
        syn::Expr::Call(call) => exposes(&call.func) || call.args.iter().any(exposes),
        syn::Expr::Reference(inner) => exposes(&inner.expr),
        syn::Expr::Unary(inner) => exposes(&inner.expr),
        syn::Expr::Paren(inner) => exposes(&inner.expr),
        syn::Expr::Index(inner) => exposes(&inner.expr),
        syn::Expr::Path(path) => path.path.segments.last().is_some_and(|name| name.ident == "expose_secret"),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is = |list: &syn::MetaList| list.path.is_ident("cfg") && list.tokens.to_string() == "test";
    attributes.iter().any(|attribute| attribute.meta.require_list().is_ok_and(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        compared(&File { name: "src/http/x.rs".to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_comparison_is_found_in_every_form() {
        for comparison in [
            "a.expose_secret() == b",
            "b != *a.expose_secret()",
            "a.expose_secret().trim() == b",
            "a.expose_secret().as_bytes()[..2] == b[..2]",
            "ExposeSecret::expose_secret(a) == b",
            "String::from(a.expose_secret()) == b",
            "a.expose_secret().eq(b)",
            "b.eq(a.expose_secret())",
            "b.strip_prefix(a.expose_secret()).is_some()",
            "match a.expose_secret() { \"x\" => true, _ => false }",
        ] {
            assert_eq!(count(&format!("fn f() -> bool {{ {comparison} }}")), 1, "{comparison}");
        }
    }

    #[test]
    fn harmless_uses_of_a_secret_are_allowed() {
        for harmless in [
            "a.expose_secret().is_empty()",
            "a.expose_secret().len() == 3 && same(a, b)",
            "a.expose_secret().contains(':')",
            "a.expose_secret().starts_with(\"sqlite:\")",
            "digest(a.expose_secret()).ct_eq(&digest(b)).into()",
        ] {
            assert_eq!(count(&format!("fn f() -> bool {{ {harmless} }}")), 0, "{harmless}");
        }
        assert_eq!(count("#[cfg(test)] mod tests { fn f() -> bool { a.expose_secret() == b } }"), 0);
    }
}
