/**
 * @file The rules of who may import whom in `lib`, checked on the syntax tree of each file. Kept as a test because the
 * linter's import restrictions match the text of a path: they can be neither stacked on one file (folder order and
 * Node-free rule at once) nor resolved against the file's own folder.
 */
import { posix } from 'node:path';
import ts from 'typescript';

/** The folders of `lib` in the order in which data flows: each may import from those before it. */
const LAYERS = ['compile', 'data', 'models', 'optim', 'train', 'analysis', 'figures', 'sweep', 'cli'];

/** What all folders but `compile` may import. */
const SHARED = ['errors', 'files.node'];

/** Packages that run in a browser, which a Node-free file may import; a package's subpaths are meant too. */
const BROWSER_PACKAGES = [
  '@dagrejs/dagre',
  '@tensorflow/tfjs',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-core',
  'ml-matrix',
  'jstat',
  'onnxruntime-common',
  'onnxruntime-web',
  'papaparse',
  'plotly.js-dist-min',
  'protobufjs',
  'seedrandom',
  'zod',
];

/** What Node puts into every module without an import. */
const NODE_GLOBALS = new Set([
  'Buffer',
  '__dirname',
  '__filename',
  'global',
  'process',
  'require',
  'setImmediate',
]);

interface Import {
  readonly specifier: string;
  /** Whether it only names types and vanishes in the compiled file. */
  readonly typeOnly: boolean;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : undefined;
  return (
    clause.name === undefined &&
    named !== undefined &&
    named.length > 0 &&
    named.every((name) => name.isTypeOnly)
  );
}

/** The import that a node of the tree stands for: a statement, `import()`, `require()` or the type `import('…').T`. */
function importOf(node: ts.Node): Import | undefined {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return { specifier: (node.moduleSpecifier as ts.StringLiteral).text, typeOnly: isTypeOnly(node) };
  }
  if (ts.isExternalModuleReference(node) && ts.isStringLiteral(node.expression)) {
    return { specifier: node.expression.text, typeOnly: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: (node.argument.literal as ts.StringLiteral).text, typeOnly: true };
  }
  if (ts.isCallExpression(node)) {
    const { expression } = node;
    const loads =
      expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(expression) && expression.text === 'require');
    const argument = node.arguments[0];
    if (loads && argument && ts.isStringLiteralLike(argument)) {
      return { specifier: argument.text, typeOnly: false };
    }
  }
  return undefined;
}

/** Whether an identifier names a variable, rather than a member, a property or a type. */
function isVariable(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent)) return false;
  const named = parent as ts.Node & { name?: ts.Node; propertyName?: ts.Node };
  return named.name !== node && named.propertyName !== node;
}

function readSource(path: string, source: string): { imports: Import[]; globals: string[] } {
  const imports: Import[] = [];
  const globals = new Set<string>();
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found) imports.push(found);
    if (ts.isIdentifier(node) && NODE_GLOBALS.has(node.text) && isVariable(node)) globals.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true));
  return { imports, globals: [...globals] };
}

const isNodeFile = (path: string) =>
  /\.node(\.ts)?$/.test(path) || /^(cli|sweep)\//.test(path) || path === 'index.ts';

const isBrowserPackage = (specifier: string) =>
  BROWSER_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`));

function relativeProblem(path: string, target: string): string | undefined {
  if (target.startsWith('../')) return 'leaves lib';
  const folder = path.includes('/') ? (path.split('/')[0] as string) : undefined;
  const targetFolder = target.includes('/') ? (target.split('/')[0] as string) : undefined;
  if (!isNodeFile(path) && isNodeFile(target)) return 'a Node-free file must not import one that uses Node';
  if (folder === undefined || folder === targetFolder) return undefined;
  // `../figures` without a file resolves to the index of that folder.
  const layer = LAYERS.indexOf(targetFolder ?? target);
  if (targetFolder === undefined && layer < 0) {
    if (SHARED.includes(target)) return folder === 'compile' ? 'compile stands alone' : undefined;
    return 'a folder must not import the entry files of lib';
  }
  return layer < LAYERS.indexOf(folder) ? undefined : `${folder} must not import ${targetFolder ?? target}`;
}

/**
 * Every breach of the rules in one file: an import that goes against the order of the folders, or Node where it does
 * not belong.
 *
 * @param path of the file, relative to `lib`, with forward slashes
 */
export function layerProblems(path: string, source: string): string[] {
  const { imports, globals } = readSource(path, source);
  const problems: string[] = [];
  const folder = path.split('/')[0] as string;
  if (path.includes('/') && !LAYERS.includes(folder))
    problems.push(`${path}: the folder ${folder} has no layer`);
  for (const { specifier, typeOnly } of imports) {
    let problem: string | undefined;
    if (specifier.startsWith('.')) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier)).replace(/\.[jt]s$/, '');
      problem = relativeProblem(path, target);
    } else if (!typeOnly && !isNodeFile(path) && !isBrowserPackage(specifier)) {
      problem = 'a Node-free file must not import what does not run in a browser';
    }
    if (problem) problems.push(`${path} imports ${specifier}: ${problem}`);
  }
  if (!isNodeFile(path)) {
    for (const name of globals) problems.push(`${path} uses ${name}: a Node-free file must not`);
  }
  return problems;
}
